//! Walk: from a fid through names to another.

use super::codec::{DecodeError, EncodeError, FidUse, Field, Output, Reader, Request};
use super::{Fid, Qid};

/// Most names in one walk.
pub const MAX_WALK: usize = 16;

/// The names of a walk: as the caller lists them, or as they came over the wire.
#[derive(Clone, Copy)]
pub struct WalkNames<'a>(NamesForm<'a>);

#[derive(Clone, Copy)]
enum NamesForm<'a> {
    List(&'a [&'a [u8]]),
    /// Count and well-formed strings.
    Wire(u16, &'a [u8]),
}

impl<'a> WalkNames<'a> {
    /// Names in walking order. None at all clones the fid; more than [`MAX_WALK`] will not encode.
    pub fn new(names: &'a [&'a [u8]]) -> Self {
        Self(NamesForm::List(names))
    }

    /// How many.
    pub fn len(&self) -> usize {
        match self.0 {
            NamesForm::List(names) => names.len(),
            NamesForm::Wire(count, _) => usize::from(count),
        }
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (list, wire) = match self.0 {
            NamesForm::List(names) => (names, &[][..]),
            NamesForm::Wire(_, bytes) => (&[][..], bytes),
        };
        let mut reader = Reader::new(wire);
        // A wire form was checked when it was taken: the reader fails at its end alone.
        list.iter()
            .copied()
            .chain(core::iter::from_fn(move || Field::take(&mut reader).ok()))
    }
}

impl PartialEq for WalkNames<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for WalkNames<'_> {}

impl core::fmt::Debug for WalkNames<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list()
            .entries(self.iter().map(<[u8]>::escape_ascii))
            .finish()
    }
}

impl<'a> Field<'a> for WalkNames<'a> {
    fn put<O: Output>(&self, out: &mut O) -> Result<(), EncodeError> {
        if self.len() > MAX_WALK {
            return Err(EncodeError::TooLong);
        }
        u16::try_from(self.len())
            .map_err(|_| EncodeError::TooLong)?
            .put(out)?;
        self.iter().try_for_each(|name| name.put(out))
    }
    fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let count = u16::take(reader)?;
        if usize::from(count) > MAX_WALK {
            return Err(DecodeError::TooMany);
        }
        let start = reader.rest();
        for _ in 0..count {
            <&[u8]>::take(reader)?;
        }
        let used = start.len().saturating_sub(reader.rest().len());
        let (names, _) = start.split_at_checked(used).ok_or(DecodeError::Truncated)?;
        Ok(Self(NamesForm::Wire(count, names)))
    }
}

/// The qids of a walk's reply.
#[derive(Clone, Copy)]
pub struct WalkQids<'a>(QidsForm<'a>);

#[derive(Clone, Copy)]
enum QidsForm<'a> {
    List(&'a [Qid]),
    /// A whole number of qids.
    Wire(&'a [u8]),
}

impl<'a> WalkQids<'a> {
    /// Qids in walking order.
    pub fn new(qids: &'a [Qid]) -> Self {
        Self(QidsForm::List(qids))
    }

    /// How many names were walked.
    pub fn len(&self) -> usize {
        match self.0 {
            QidsForm::List(qids) => qids.len(),
            QidsForm::Wire(bytes) => bytes.len() / Qid::LEN,
        }
    }

    /// None at all (a clone)?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The qids in order.
    pub fn iter(&self) -> impl Iterator<Item = Qid> + use<'a> {
        let (list, wire) = match self.0 {
            QidsForm::List(qids) => (qids, &[][..]),
            QidsForm::Wire(bytes) => (&[][..], bytes),
        };
        let mut reader = Reader::new(wire);
        list.iter()
            .copied()
            .chain(core::iter::from_fn(move || Field::take(&mut reader).ok()))
    }

    /// The qid of the last name walked.
    pub fn last(&self) -> Option<Qid> {
        self.iter().last()
    }
}

impl PartialEq for WalkQids<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for WalkQids<'_> {}

impl core::fmt::Debug for WalkQids<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> Field<'a> for WalkQids<'a> {
    fn put<O: Output>(&self, out: &mut O) -> Result<(), EncodeError> {
        if self.len() > MAX_WALK {
            return Err(EncodeError::TooLong);
        }
        u16::try_from(self.len())
            .map_err(|_| EncodeError::TooLong)?
            .put(out)?;
        self.iter().try_for_each(|qid| qid.put(out))
    }
    fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let count = usize::from(u16::take(reader)?);
        if count > MAX_WALK {
            return Err(DecodeError::TooMany);
        }
        Ok(Self(QidsForm::Wire(reader.take(count * Qid::LEN)?)))
    }
}

message! {
    /// Walks from `fid` through `names` and makes `newfid` the file at the end.
    ///
    /// `newfid` exists only when all names were walked. The names are path components: never `.`, `..`, empty, or
    /// with a `/` inside, as some servers resolve those.
    TWALK: Twalk<'a> {
        /// Where to start.
        fid: Fid,
        /// New fid, or `fid` itself.
        newfid: Fid,
        /// Components.
        names: WalkNames<'a>,
    }
}

message! {
    /// How far the walk came.
    RWALK: Rwalk<'a> {
        /// One per name walked; fewer than asked: the next name failed and `newfid` does not exist.
        qids: WalkQids<'a>,
    }
    count = |reply| u32::try_from(reply.qids.len()).unwrap_or(u32::MAX)
}

impl Request for Twalk<'_> {
    type Reply<'r> = Rwalk<'r>;
    fn fids(&self) -> FidUse {
        let uses = FidUse::one(self.fid);
        if self.newfid == self.fid {
            uses
        } else {
            uses.creating(self.newfid)
        }
    }
    fn asked(&self) -> u32 {
        u32::try_from(self.names.len()).unwrap_or(u32::MAX)
    }

    /// Nothing is below a file. What is below a symbolic link is for the caller to judge: some servers follow it.
    fn is_plausible(reply: &Self::Reply<'_>) -> bool {
        let before_last = reply.qids.len().saturating_sub(1);
        reply
            .qids
            .iter()
            .take(before_last)
            .all(|qid| qid.is_directory() || qid.is_symlink())
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}
