//! What files on a mapped drive do, whatever server is behind it. Each function is a test of its own in every file that
//! says `behaviours!`.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod data;
pub(crate) mod delete;
pub(crate) mod directory;
pub(crate) mod dos_attributes;
pub(crate) mod ea;
pub(crate) mod links;
pub(crate) mod locks;
pub(crate) mod matrix;
pub(crate) mod names;
pub(crate) mod notify;
pub(crate) mod open;
pub(crate) mod programs;
pub(crate) mod query;
pub(crate) mod rename;
pub(crate) mod security;
pub(crate) mod spelling;

/// A test for each behaviour, in a world that `$world` makes, with `$server` behind it.
macro_rules! behaviours {
    ($server:literal, $world:expr, $(#[$attribute:meta])*) => {
        behaviours! { @list $server, $world, [$(#[$attribute])*]
            create: dispositions, options_are_obeyed, read_only_files, share_access_is_held, missing_parts_of_a_path,
                a_symbolic_link_is_opened_as_such_on_demand, fifos_are_looked_at_and_never_opened, relative_opens,
                a_target_directory_is_opened_for_a_rename, refused_before_anything_is_sent;
            data: large_transfers_in_odd_pieces, the_end_of_a_file, writing_leaves_a_hole_that_reads_zero, appending,
                rights_decide_over_data, an_append_lands_behind_what_others_wrote, one_who_appends_and_others, beyond_four_gib, many_handles_at_once, flushing, the_last_offset,
                transfers_of_nothing, appends_do_not_meet, whole_sectors_without_buffering, writing_through,
                sizes_and_the_space_set_aside;
            change: renaming, renaming_onto_another_file, renaming_directories, delete_on_close, delete_pending,
                directories_come_and_go, another_file_of_the_same_name_is_not_deleted, end_of_file, times, read_only,
                another_file_takes_the_old_name_of_an_open_one, allocation_needs_the_right_to_write;
            delete: a_file_goes_with_its_last_handle, a_posix_deletion_frees_the_name_at_once,
                a_read_only_file_is_deleted_on_demand_only, delete_on_close_is_set_and_taken_back,
                a_directory_that_fills_up_stays, the_root_of_a_share_stays, nothing_is_made_in_a_directory_that_goes,
                who_may_not_delete_hears_of_it, deletion_needs_the_right_to_delete,
                a_directory_is_empty_when_the_last_name_in_it_goes, a_deleted_name_can_be_made_anew, an_entry_that_is_not_empty_is_not_marked;
            directory: nested_folders, patterns, restarting_and_single_entries, tiny_buffers, many_entries,
                every_class_lists_the_same, only_directories_are_listed, patterns_that_no_name_matches,
                the_dots_come_first, a_name_is_found_without_listing, links_show_their_tag,
                files_that_go_meanwhile_are_left_out, hidden_from_unix_is_hidden_here;
            dos_attributes: every_file_is_to_be_archived, what_is_set_is_shown, a_new_file_keeps_its_attributes,
                a_hidden_file_is_not_overwritten_unawares, nothing_shows_among_extended_attributes,
                a_supersede_replaces_attributes;
            links: opens_follow_a_link, opens_follow_links_on_the_way, dangling_links, links_in_a_circle,
                links_that_leave_the_share, links_to_directories, a_listing_shows_where_links_lead, a_link_can_be_read, a_link_can_be_made,
                a_link_is_refused_in_a_full_place, other_tags_are_refused, a_link_can_be_unmade,
                links_are_renamed_and_deleted_themselves, other_controls_are_refused;
            locks: exclusive_locks, shared_locks, locks_stand_in_the_way_of_data, unlocking, ranges_at_the_edges,
                what_can_be_locked, waiting_for_a_lock, a_waiting_lock_is_cancelled;
            matrix: dispositions_and_kinds, names_that_no_file_has, sharing, rights, reads_at_the_edges,
                writes_and_sizes, wildcards, characters_that_nt_forbids, locks_against_locks, ranges_of_locks,
                locks_against_data, changes_and_filters;
            names: non_ascii_names, names_that_nt_forbids, invalid_utf8, long_names, names_at_the_limit, names_of_devices_are_names;
            notify: names_come_and_go, the_filter_decides, trees_and_directories_alone, opens_that_change_a_file,
                a_replaced_file_is_told_of,
                too_much_to_tell, how_waiting_ends, what_is_made_and_taken_back_is_told_of,
                a_disconnect_ends_waiting,
                names_before_and_behind_the_end_of_a_buffer, what_can_be_watched;
            open: every_disposition_of_every_kind_of_file, options_that_contradict_each_other, what_is_there_is_not_made,
                what_cannot_be_opened_keeps_its_data, overwriting_wants_to_be_tolerated, overwriting_by_one_who_does_not_write, overwriting_sets_read_only,
                a_hidden_name_can_be_overwritten, permissions_of_what_is_made, the_mode_decides_over_access,
                all_that_is_allowed, all_that_is_allowed_is_claimed, opening_by_file_id, a_target_directory_tells_what_exists,
                opening_by_an_id_from_a_listing, streams_are_not_there, opening_again_sends_all_at_once, rights_to_look_open_nothing;
            programs: saving_through_temporary_names, replacing_a_file_that_is_read, a_copied_tree_is_not_copied_again,
                a_tree_with_read_only_files_is_purged, an_index_is_replaced_through_its_lock, an_object_is_made_once,
                a_database_locks_bytes_behind_its_end, a_running_program_is_not_replaced, temporary_files_go_by_themselves,
                a_deep_tree_comes_and_goes, a_large_file_is_filled_from_behind, another_machine_reads_what_is_written,
                another_machine_has_the_same_names, another_machines_locks_are_met;
            query: every_file_class, short_buffers, short_records, the_name_is_cut, volume_classes, attributes_follow_the_server,
                a_look_is_of_the_file_as_it_is,
                a_pending_delete_counts_one_link_less, files_have_no_short_name,
                a_file_has_one_stream_and_a_directory_none, file_and_volume_agree_on_the_serial_number,
                names_of_one_file_have_one_id, stat_carries_owner_and_mode, directories_are_not_case_sensitive,
                the_mode_of_a_handle_can_be_set, volumes_say_what_they_can, sectors_are_small_and_aligned, nothing_of_a_volume_can_be_set,
                valid_data_ends_within_the_file, attributes_need_the_right_to_set_them,
                times_of_minus_one_and_minus_two_change_nothing;
            ea: a_create_brings_attributes, a_create_with_bad_attributes_makes_nothing, attributes_come_back, an_empty_value_removes, queries_go_on_where_the_last_ended,
                short_buffers_get_what_fits, attributes_are_asked_for_by_name, sizes_are_those_of_the_packed_list,
                malformed_attributes_change_nothing, too_much_is_refused, attributes_need_their_rights,
                directories_have_attributes_too, what_is_overwritten_loses_them;
            rename: a_directory_takes_no_files_place, posix_rules_replace_an_empty_directory, into_another_directory_and_back, posix_rules_replace_an_open_file, a_read_only_target_is_replaced_on_demand_only,
                only_the_case_changes, a_name_in_another_case_is_taken, the_last_rename_counts, a_new_name_must_be_a_name,
                a_hard_link, a_hard_link_replaces_on_demand_only, what_cannot_be_linked, one_of_two_links_replaces_the_other,
                a_file_to_be_deleted_gets_no_new_name;
            security: the_owner_is_the_user_of_the_mapping, only_the_parts_asked_for_are_there,
                a_short_buffer_is_told_the_length, a_list_becomes_permissions, what_was_read_can_be_set_again,
                a_list_of_strangers_is_refused, malformed_descriptors_are_refused, security_needs_its_rights;
            spelling: another_case_finds_the_file, the_exact_name_comes_first, ambiguous_names_are_not_guessed,
                directories_on_the_way_in_another_case, nothing_is_made_beside_another_case, case_counts_on_demand,
                changes_are_seen_at_once, what_others_spell_otherwise_is_found,
                changes_through_another_drive_are_seen_at_once, one_file_has_one_spelling, private_characters_on_the_server;
        }
    };
    (@list $server:literal, $world:expr, $attributes:tt $($module:ident: $($name:ident),*;)*) => {
        $(behaviours! { @module $world, $attributes $module: $($name),* })*

        behaviours! { @count $server, $attributes $($module: $($name),*;)* }
    };
    (@count $server:literal, [$($attributes:tt)*] $($module:ident: $($name:ident),*;)*) => {
        /// Counts them: the functions, and of tables the cells.
        #[test]
        $($attributes)*
        fn two_hundred_behaviours_have_a_name() {
            let functions = [$($(concat!(stringify!($module), "::", stringify!($name))),*),*];
            let functions = functions.iter().filter(|name| !name.starts_with("matrix::")).count();
            let mut cells = crate::behaviour::matrix::names();
            let count = functions + cells.len();
            cells.sort();
            cells.dedup();
            assert_eq!(functions + cells.len(), count, "each has a name of its own");
            assert!(count >= 200, "{count}");
            let (server, cells) = ($server, cells.len());
            println!("sweep: {count} named behaviours on {server}: {functions} told, {cells} in tables");
        }
    };
    (@module $world:expr, $attributes:tt $module:ident: $($name:ident),*) => {
        mod $module {
            $(behaviours! { @test $world, $attributes $module $name })*
        }
    };
    (@test $world:expr, [$($attributes:tt)*] $module:ident $name:ident) => {
        #[test]
        $($attributes)*
        fn $name() {
            let world = $world;
            world.map("X:").unwrap();
            crate::behaviour::$module::$name(&world);
            world.unmap("X:").unwrap();
            world.end();
        }
    };
}
