//! Behaviours that come in tables: each cell has a name, which says the rule of NT that it shows.

mod content;
mod create;
mod listing;
mod locks;
mod notify;
mod rights;
mod share;

use crate::world::World;

/// One cell.
pub(crate) struct Cell {
    /// What is done, and what NT makes of it.
    pub(crate) name: String,
    pub(crate) check: Check,
}

/// What is wrong, if anything is.
type Check = Box<dyn Fn(&Place<'_>) -> Result<(), String>>;

/// A folder of the cell's own.
pub(crate) struct Place<'w> {
    pub(crate) world: &'w World,
    folder: String,
}

impl Place<'_> {
    /// A path on drive X:.
    pub(crate) fn remote(&self, name: &str) -> String {
        format!("{}\\{name}", self.folder)
    }

    /// The same on the server's disk.
    pub(crate) fn local(&self, name: &str) -> std::path::PathBuf {
        self.world.path(&self.folder).join(name)
    }
}

/// Equal, or what is wrong.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{expected:?} expected, {found:?} found"))
    }
}

/// Runs every cell and tells of all that fail.
fn run(world: &World, table: &str, cells: &[Cell]) {
    let mut failures = Vec::new();
    for (number, cell) in cells.iter().enumerate() {
        let folder = format!("{table}-{number}");
        std::fs::create_dir(world.path(&folder)).unwrap();
        let place = Place { world, folder };
        if let Err(failure) = (cell.check)(&place) {
            failures.push(format!("{}: {failure}", cell.name));
        }
        println!("behaviour: {}", cell.name);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

macro_rules! tables {
    ($($name:ident: $cells:path;)*) => {
        $(pub(crate) fn $name(world: &World) {
            run(world, stringify!($name), &$cells());
        })*

        /// The names of all cells.
        pub(crate) fn names() -> Vec<String> {
            let mut names = Vec::new();
            $(names.extend($cells().into_iter().map(|cell| cell.name));)*
            names
        }
    };
}

tables! {
    dispositions_and_kinds: create::dispositions;
    names_that_no_file_has: create::impossible_names;
    sharing: share::sharing;
    rights: rights::rights;
    reads_at_the_edges: content::reads;
    writes_and_sizes: content::writes;
    wildcards: listing::wildcards;
    characters_that_nt_forbids: listing::forbidden_characters;
    locks_against_locks: locks::locks;
    ranges_of_locks: locks::lock_ranges;
    locks_against_data: locks::locked_data;
    changes_and_filters: notify::filters;
}
