//! The wire format of 9P2000.L: one module per message family.
//!
//! A frame is `size[4] type[1] tag[2] body`, little-endian, `size` counting itself. Each message is a struct whose
//! fields are the body in wire order; a request names its reply through [`Request::Reply`]. Names and other strings
//! are bytes: the protocol calls them UTF-8, but servers pass on whatever their file system holds.
//!
//! Nothing here allocates. [`Decode::decode_body`] accepts any bytes and never panics; numbers that a peer chooses
//! are kept as open enums or retained bit sets, so that an unknown value is data, not an error.

#[macro_use]
mod codec;
mod attach;
mod attributes;
mod data;
mod directory;
mod errno;
mod flush;
mod handle;
mod ids;
mod link;
mod lock;
mod message_type;
mod names;
mod open;
mod statfs;
mod version;
mod walk;
mod xattr;

#[cfg(test)]
mod tests;

pub use self::attach::{NO_UID, Rattach, Rauth, Tattach, Tauth};
pub use self::attributes::{GetAttrMask, Mode, Rgetattr, Rsetattr, SetAttrMask, Tgetattr, Time, Tsetattr};
pub use self::codec::{
    Decode, DecodeError, EncodeError, FidEffect, FidUse, HEADER_LEN, Header, Length, Message, Output, Reader,
    Request, Writer, encode_frame, frame_len,
};
pub use self::data::{IO_HEADER_LEN, Payload, Rfsync, Rread, Rwrite, Tfsync, Tread, Twrite};
pub use self::directory::{DirEntry, Entries, EntryType, Rmkdir, Rmknod, Rreaddir, Tmkdir, Tmknod, Treaddir};
pub use self::errno::{Errno, Rlerror};
pub use self::flush::{Rflush, Tflush};
pub use self::handle::{Rclunk, Rremove, Tclunk, Tremove};
pub use self::ids::{Fid, Qid, QidType, Tag};
pub use self::link::{Rlink, Rreadlink, Rsymlink, Tlink, Treadlink, Tsymlink};
pub use self::lock::{LockFlags, LockStatus, LockType, Rgetlock, Rlock, Tgetlock, Tlock};
pub use self::message_type::MessageType;
pub use self::names::{Rrename, Rrenameat, Runlinkat, Trename, Trenameat, Tunlinkat, UnlinkFlags};
pub use self::open::{OpenFlags, Rlcreate, Rlopen, Tlcreate, Tlopen};
pub use self::statfs::{Rstatfs, Tstatfs};
pub use self::version::{DIALECT, Rversion, Tversion};
pub use self::walk::{MAX_WALK, Rwalk, Twalk, WalkNames, WalkQids};
pub use self::xattr::{Rxattrcreate, Rxattrwalk, Txattrcreate, Txattrwalk};
