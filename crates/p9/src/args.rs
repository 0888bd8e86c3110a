//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::share::Share;
use crate::{bench, fsx};

/// Below the help text.
const NOTES: &str = "\
SHARE is HOST[:PORT]/ANAME: the server, its port (564 unless given), and what it exports.
Paths are written as on the server, with /.

  p9 ls -l localhost:5640/srv
  p9 get -R nas/srv/media photos .

Exit code: 0 done, 1 the operation failed, 2 wrong command line, 3 no such server or share.";

/// Work with files on 9P2000.L servers, through the code of the Windows redirector.
#[derive(Debug, Parser)]
#[command(version, after_help = NOTES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What holds for every command.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Attach as this user: a name, or a number [default: who runs this].
    #[arg(
        long,
        short,
        global = true,
        value_name = "NAME|UID",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) user: String,
    /// Answer in JSON (ls, stat, df, bench, fsx).
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How long each request may take.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=300))]
    pub(crate) timeout: u32,
    /// How many data messages may be in flight; 0: as many as pay.
    #[arg(long, global = true, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=64))]
    pub(crate) window: u16,
    /// Largest message to offer to the server.
    #[arg(long, global = true, value_name = "BYTES", default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(4096..=1 << 20))]
    pub(crate) msize: u32,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List a directory.
    Ls {
        /// The server and what it exports: HOST[:PORT]/ANAME.
        share: Share,
        /// Directory or file below the share; by default its root.
        #[arg(default_value = "", hide_default_value = true)]
        path: OsString,
        /// List the directories below it, too.
        #[arg(short = 'R', long)]
        recursive: bool,
        /// Show attributes, size and time of each.
        #[arg(short, long)]
        long: bool,
    },
    /// Write a file's content to standard output.
    Cat {
        /// The server and what it exports: HOST[:PORT]/ANAME.
        share: Share,
        /// The file.
        path: OsString,
    },
    /// Copy from the server.
    Get {
        /// The server and what it exports: HOST[:PORT]/ANAME.
        share: Share,
        /// The file, or with -R a directory.
        path: OsString,
        /// Where to; by default the same name in the current directory.
        local: Option<PathBuf>,
        /// Take a directory with all that is in it.
        #[arg(short = 'R', long, visible_short_alias = 'r')]
        recursive: bool,
    },
    /// Copy to the server.
    Put {
        /// The server and what it exports: HOST[:PORT]/ANAME.
        share: Share,
        /// The file, or with -R a directory; - is standard input.
        local: PathBuf,
        /// Where to; by default the same name in the root of the share. With / at its end it is a directory.
        path: Option<OsString>,
        /// Take a directory with all that is in it.
        #[arg(short = 'R', long, visible_short_alias = 'r')]
        recursive: bool,
    },
    /// Show what is known of a file.
    Stat {
        /// The server and what it exports: HOST[:PORT]/ANAME.
        share: Share,
        /// File or directory below the share; by default its root.
        #[arg(default_value = "", hide_default_value = true)]
        path: OsString,
    },
    /// Remove a file or an empty directory.
    Rm {
        /// The server and what it exports: HOST[:PORT]/ANAME.
        share: Share,
        /// What to remove.
        path: OsString,
        /// Take a directory with all that is in it.
        #[arg(short = 'R', long, visible_short_alias = 'r')]
        recursive: bool,
    },
    /// Make a directory.
    Mkdir {
        /// The server and what it exports: HOST[:PORT]/ANAME.
        share: Share,
        /// The directory.
        path: OsString,
        /// Make the directories above it as well, and do not complain if it exists.
        #[arg(short, long)]
        parents: bool,
    },
    /// Rename or move a file or directory; an existing file is replaced.
    Mv {
        /// The server and what it exports: HOST[:PORT]/ANAME.
        share: Share,
        /// What to move.
        from: OsString,
        /// Its new path, or the directory to move it to. With / at its end it is a directory.
        to: OsString,
    },
    /// Show how full the share is.
    Df {
        /// The server and what it exports: HOST[:PORT]/ANAME.
        share: Share,
    },
    /// Do random things to files and compare what comes of it with a model, byte for byte.
    Fsx {
        /// The server and what it exports: HOST[:PORT]/ANAME.
        share: Share,
        /// Directory below the share in which to work; by default its root. What is made there goes again.
        #[arg(default_value = "", hide_default_value = true)]
        path: OsString,
        #[command(flatten)]
        plan: fsx::Plan,
    },
    /// Measure how fast the share is: content, small reads, names, listings.
    Bench {
        /// The server and what it exports: HOST[:PORT]/ANAME.
        share: Share,
        /// Directory below the share in which to work; by default its root. What is made there goes again.
        #[arg(default_value = "", hide_default_value = true)]
        path: OsString,
        #[command(flatten)]
        plan: bench::Plan,
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
            | Self::Fsx { share, .. }
            | Self::Bench { share, .. }
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
