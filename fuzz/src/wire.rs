//! Messages of 9P.

use ninep::wire::*;

/// Decodes, and if that works encodes again: the same bytes must come back.
fn there_and_back<'a, M: Decode<'a> + Message>(body: &'a [u8]) {
    let Ok(message) = M::decode_body(body) else {
        return;
    };
    let mut length = Length::default();
    message.encode_body(&mut length).expect("what came in goes out");
    assert_eq!(length.0, body.len(), "{:?}", M::TYPE);
    let mut again = vec![0; length.0];
    message
        .encode_body(&mut Writer::new(&mut again))
        .expect("there is room");
    assert_eq!(again, body, "{:?}", M::TYPE);
}

/// The first byte chooses the message.
macro_rules! by_type {
    ($data:ident: $($message:ident),*) => {
        if let Some((&kind, body)) = $data.split_first() {
            match MessageType(kind) {
                $(kind if kind == <$message as Message>::TYPE => there_and_back::<$message>(body),)*
                _ => {}
            }
        }
    };
}

pub(crate) fn replies(data: &[u8]) {
    by_type!(data: Rlerror, Rversion, Rauth, Rattach, Rflush, Rwalk, Rread, Rwrite, Rclunk, Rremove, Rstatfs, Rlopen,
        Rlcreate, Rsymlink, Rmknod, Rrename, Rreadlink, Rgetattr, Rsetattr, Rxattrwalk, Rxattrcreate, Rreaddir, Rfsync,
        Rlock, Rgetlock, Rlink, Rmkdir, Rrenameat, Runlinkat);
}

pub(crate) fn requests(data: &[u8]) {
    by_type!(data: Tversion, Tauth, Tattach, Tflush, Twalk, Tread, Twrite, Tclunk, Tremove, Tstatfs, Tlopen, Tlcreate,
        Tsymlink, Tmknod, Trename, Treadlink, Tgetattr, Tsetattr, Txattrwalk, Txattrcreate, Treaddir, Tfsync, Tlock,
        Tgetlock, Tlink, Tmkdir, Trenameat, Tunlinkat);
}

/// The entries in an answer to Treaddir.
pub(crate) fn directory(data: &[u8]) {
    let Ok(entries) = Entries::new(data) else { return };
    let mut packed = vec![0; data.len()];
    let mut writer = Writer::new(&mut packed);
    for entry in entries.iter() {
        entry.encode(&mut writer).expect("what came in goes out");
    }
    assert_eq!(writer.written(), data.len());
    assert_eq!(packed, data);
}
