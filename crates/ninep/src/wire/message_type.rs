//! The type byte of a frame.

/// A message type: an open enum, as the byte comes from outside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(pub u8);

macro_rules! message_types {
    ($($name:ident = $value:literal, $text:literal;)*) => {
        #[expect(missing_docs, reason = "each is the protocol's own message name")]
        impl MessageType {
            $(pub const $name: Self = Self($value);)*

            /// The protocol's name, when the type belongs to 9P2000.L.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }

            /// Every type of the dialect.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

message_types! {
    RLERROR = 7, "Rlerror";
    TSTATFS = 8, "Tstatfs"; RSTATFS = 9, "Rstatfs";
    TLOPEN = 12, "Tlopen"; RLOPEN = 13, "Rlopen";
    TLCREATE = 14, "Tlcreate"; RLCREATE = 15, "Rlcreate";
    TSYMLINK = 16, "Tsymlink"; RSYMLINK = 17, "Rsymlink";
    TMKNOD = 18, "Tmknod"; RMKNOD = 19, "Rmknod";
    TRENAME = 20, "Trename"; RRENAME = 21, "Rrename";
    TREADLINK = 22, "Treadlink"; RREADLINK = 23, "Rreadlink";
    TGETATTR = 24, "Tgetattr"; RGETATTR = 25, "Rgetattr";
    TSETATTR = 26, "Tsetattr"; RSETATTR = 27, "Rsetattr";
    TXATTRWALK = 30, "Txattrwalk"; RXATTRWALK = 31, "Rxattrwalk";
    TXATTRCREATE = 32, "Txattrcreate"; RXATTRCREATE = 33, "Rxattrcreate";
    TREADDIR = 40, "Treaddir"; RREADDIR = 41, "Rreaddir";
    TFSYNC = 50, "Tfsync"; RFSYNC = 51, "Rfsync";
    TLOCK = 52, "Tlock"; RLOCK = 53, "Rlock";
    TGETLOCK = 54, "Tgetlock"; RGETLOCK = 55, "Rgetlock";
    TLINK = 70, "Tlink"; RLINK = 71, "Rlink";
    TMKDIR = 72, "Tmkdir"; RMKDIR = 73, "Rmkdir";
    TRENAMEAT = 74, "Trenameat"; RRENAMEAT = 75, "Rrenameat";
    TUNLINKAT = 76, "Tunlinkat"; RUNLINKAT = 77, "Runlinkat";
    TVERSION = 100, "Tversion"; RVERSION = 101, "Rversion";
    TAUTH = 102, "Tauth"; RAUTH = 103, "Rauth";
    TATTACH = 104, "Tattach"; RATTACH = 105, "Rattach";
    TFLUSH = 108, "Tflush"; RFLUSH = 109, "Rflush";
    TWALK = 110, "Twalk"; RWALK = 111, "Rwalk";
    TREAD = 116, "Tread"; RREAD = 117, "Rread";
    TWRITE = 118, "Twrite"; RWRITE = 119, "Rwrite";
    TCLUNK = 120, "Tclunk"; RCLUNK = 121, "Rclunk";
    TREMOVE = 122, "Tremove"; RREMOVE = 123, "Rremove";
}

impl core::fmt::Debug for MessageType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type {}", self.0),
        }
    }
}
