//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::share::Share;

/// Works with files on 9P2000.L servers.
#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What holds for every command.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Attach as this user: a name, or a number.
    #[arg(long, short, global = true, default_value = "")]
    pub(crate) user: String,
    /// Answer in JSON (ls, stat, df).
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Seconds that each request may take.
    #[arg(long, global = true, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=300))]
    pub(crate) timeout: u32,
    /// Data messages in flight.
    #[arg(long, global = true, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) window: u16,
    /// Largest message to offer, in bytes.
    #[arg(long, global = true, default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(4096..=1 << 20))]
    pub(crate) msize: u32,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List a directory.
    Ls {
        /// HOST[:PORT]/ANAME
        share: Share,
        /// Directory or file below the share, as the server spells it.
        #[arg(default_value = "")]
        path: OsString,
        /// Directories below it, too.
        #[arg(short = 'R', long)]
        recursive: bool,
        /// Attributes, size and time of each.
        #[arg(short, long)]
        long: bool,
    },
    /// Write a file's content to standard output.
    Cat {
        /// HOST[:PORT]/ANAME
        share: Share,
        /// The file.
        path: OsString,
    },
    /// Copy from the server.
    Get {
        /// HOST[:PORT]/ANAME
        share: Share,
        /// The file, or with -R a directory.
        path: OsString,
        /// Where to; by default the same name in the current directory.
        local: Option<PathBuf>,
        /// A directory with all that is in it.
        #[arg(short = 'R', long)]
        recursive: bool,
    },
    /// Copy to the server.
    Put {
        /// HOST[:PORT]/ANAME
        share: Share,
        /// The file, or with -R a directory.
        local: PathBuf,
        /// Where to; by default the same name in the root of the share.
        path: Option<OsString>,
        /// A directory with all that is in it.
        #[arg(short = 'R', long)]
        recursive: bool,
    },
    /// Show what is known of a file.
    Stat {
        /// HOST[:PORT]/ANAME
        share: Share,
        /// File or directory below the share.
        #[arg(default_value = "")]
        path: OsString,
    },
    /// Remove a file or an empty directory.
    Rm {
        /// HOST[:PORT]/ANAME
        share: Share,
        /// What to remove.
        path: OsString,
        /// A directory with all that is in it.
        #[arg(short = 'R', long)]
        recursive: bool,
    },
    /// Make a directory.
    Mkdir {
        /// HOST[:PORT]/ANAME
        share: Share,
        /// The directory.
        path: OsString,
        /// The directories above it as well, and no complaint if it exists.
        #[arg(short, long)]
        parents: bool,
    },
    /// Rename or move a file or directory; an existing file is replaced.
    Mv {
        /// HOST[:PORT]/ANAME
        share: Share,
        /// What to move.
        from: OsString,
        /// Its new path, or the directory to move it to.
        to: OsString,
    },
    /// Show how full the share is.
    Df {
        /// HOST[:PORT]/ANAME
        share: Share,
    },
}

impl Command {
    pub(crate) fn share(&self) -> &Share {
        match self {
            Self::Ls { share, .. }
            | Self::Cat { share, .. }
            | Self::Get { share, .. }
            | Self::Put { share, .. }
            | Self::Stat { share, .. }
            | Self::Rm { share, .. }
            | Self::Mkdir { share, .. }
            | Self::Mv { share, .. }
            | Self::Df { share } => share,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
