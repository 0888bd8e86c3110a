//! Information classes: which record a query or a set is about.

open_enum! {
    /// `FILE_INFORMATION_CLASS` (`[MS-FSCC]` 2.4).
    pub struct FileInformationClass {
        /// `FileDirectoryInformation`: directory entries with times, size and attributes.
        DIRECTORY = 1,
        /// `FileFullDirectoryInformation`: the same with the size of extended attributes.
        FULL_DIRECTORY = 2,
        /// `FileBothDirectoryInformation`: the same with the short name.
        BOTH_DIRECTORY = 3,
        /// `FileBasicInformation`: times and attributes.
        BASIC = 4,
        /// `FileStandardInformation`: sizes, links, delete-pending, directory.
        STANDARD = 5,
        /// `FileInternalInformation`: the file id.
        INTERNAL = 6,
        /// `FileEaInformation`: the size of the extended attributes.
        EA = 7,
        /// `FileAccessInformation`: the granted access.
        ACCESS = 8,
        /// `FileNameInformation`: the name.
        NAME = 9,
        /// `FileRenameInformation`: gives the file another name.
        RENAME = 10,
        /// `FileLinkInformation`: gives the file a further name.
        LINK = 11,
        /// `FileNamesInformation`: directory entries, names alone.
        NAMES = 12,
        /// `FileDispositionInformation`: marks the file for deletion.
        DISPOSITION = 13,
        /// `FilePositionInformation`: the current byte offset.
        POSITION = 14,
        /// `FileModeInformation`: the mode bits of the handle.
        MODE = 16,
        /// `FileAlignmentInformation`: the buffer alignment.
        ALIGNMENT = 17,
        /// `FileAllInformation`: most of the above in one record.
        ALL = 18,
        /// `FileAllocationInformation`: the allocation size.
        ALLOCATION = 19,
        /// `FileEndOfFileInformation`: the file size.
        END_OF_FILE = 20,
        /// `FileAlternateNameInformation`: the short name.
        ALTERNATE_NAME = 21,
        /// `FileStreamInformation`: the data streams.
        STREAM = 22,
        /// `FileCompressionInformation`: the compressed size.
        COMPRESSION = 28,
        /// `FileNetworkOpenInformation`: times, sizes and attributes.
        NETWORK_OPEN = 34,
        /// `FileAttributeTagInformation`: attributes and reparse tag.
        ATTRIBUTE_TAG = 35,
        /// `FileIdBothDirectoryInformation`: as `BOTH_DIRECTORY` with the file id.
        ID_BOTH_DIRECTORY = 37,
        /// `FileIdFullDirectoryInformation`: as `FULL_DIRECTORY` with the file id.
        ID_FULL_DIRECTORY = 38,
        /// `FileValidDataLengthInformation`: the length of valid data.
        VALID_DATA_LENGTH = 39,
        /// `FileNormalizedNameInformation`: the name without short parts.
        NORMALIZED_NAME = 48,
        /// `FileIsRemoteDeviceInformation`: whether the file is on another machine.
        IS_REMOTE_DEVICE = 51,
        /// `FileStandardLinkInformation`: how many names the file has.
        STANDARD_LINK = 54,
        /// `FileRemoteProtocolInformation`: which protocol leads to the file.
        REMOTE_PROTOCOL = 55,
        /// `FileIdInformation`: volume serial number and 128-bit file id.
        ID = 59,
        /// `FileIdExtdDirectoryInformation`: directory entries with reparse tag and 128-bit file id.
        ID_EXTD_DIRECTORY = 60,
        /// `FileIdExtdBothDirectoryInformation`: the same with the short name.
        ID_EXTD_BOTH_DIRECTORY = 63,
        /// `FileDispositionInformationEx`: deletion with flags.
        DISPOSITION_EX = 64,
        /// `FileRenameInformationEx`: renaming with flags.
        RENAME_EX = 65,
        /// `FileStatInformation`: what a POSIX `stat` needs.
        STAT = 68,
        /// `FileStatLxInformation`: the same with the Linux owner, group, mode and device.
        STAT_LX = 70,
        /// `FileCaseSensitiveInformation`: whether names in a directory that differ in case alone are different.
        CASE_SENSITIVE = 71,
        /// `FileLinkInformationEx`: a hard link, with flags.
        LINK_EX = 72,
        /// `FileStatBasicInformation`: as `STAT` with the volume's serial number and the 128-bit file id.
        STAT_BASIC = 77,
        /// `FileId64ExtdDirectoryInformation`: directory entries with reparse tag and file id.
        ID_64_EXTD_DIRECTORY = 78,
        /// `FileId64ExtdBothDirectoryInformation`: the same with the short name.
        ID_64_EXTD_BOTH_DIRECTORY = 79,
        /// `FileIdAllExtdDirectoryInformation`: directory entries with reparse tag and both file ids.
        ID_ALL_EXTD_DIRECTORY = 80,
        /// `FileIdAllExtdBothDirectoryInformation`: the same with the short name.
        ID_ALL_EXTD_BOTH_DIRECTORY = 81,
    }
}

open_enum! {
    /// `FS_INFORMATION_CLASS` (`[MS-FSCC]` 2.5).
    pub struct FsInformationClass {
        /// `FileFsVolumeInformation`: label, serial number, creation time.
        VOLUME = 1,
        /// `FileFsLabelInformation`: sets the label.
        LABEL = 2,
        /// `FileFsSizeInformation`: total and free space.
        SIZE = 3,
        /// `FileFsDeviceInformation`: device type and characteristics.
        DEVICE = 4,
        /// `FileFsAttributeInformation`: capabilities and file system name.
        ATTRIBUTE = 5,
        /// `FileFsControlInformation`: quota settings.
        CONTROL = 6,
        /// `FileFsFullSizeInformation`: total space, caller's free space, free space.
        FULL_SIZE = 7,
        /// `FileFsObjectIdInformation`: the volume's object id.
        OBJECT_ID = 8,
        /// `FileFsSectorSizeInformation`: sector sizes and alignment.
        SECTOR_SIZE = 11,
    }
}

#[cfg(test)]
mod tests {
    use super::FileInformationClass;
    use std::format;

    #[test]
    fn known_values_have_names() {
        assert_eq!(format!("{:?}", FileInformationClass(34)), "NETWORK_OPEN");
        assert_eq!(
            format!("{:?}", FileInformationClass(3400)),
            "FileInformationClass(3400)"
        );
    }
}
