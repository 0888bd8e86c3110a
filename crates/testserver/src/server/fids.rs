//! Which fids a client holds, learned by watching its messages and their answers.

use std::collections::HashSet;

use crate::frame::{Frame, kind};

#[derive(Debug, Default)]
pub(super) struct FidTable(HashSet<u32>);

impl FidTable {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes note of a request and its answer.
    pub(super) fn observe(&mut self, request: &Frame, reply: &Frame) {
        let failed = reply.kind == kind::RLERROR;
        let mut fields = request.fields();
        let first = fields.u32();
        match request.kind {
            // A session begins anew.
            kind::TVERSION if !failed => self.0.clear(),
            kind::TATTACH if !failed => self.0.extend(first),
            kind::TWALK if !failed => {
                let new = fields.u32();
                let (asked, got) = (fields.u16(), reply.fields().u16());
                // A partial walk makes no fid.
                if asked == got {
                    self.0.extend(new);
                }
            }
            kind::TXATTRWALK if !failed => self.0.extend(fields.u32()),
            // Both take the fid away, even when they fail.
            kind::TCLUNK | kind::TREMOVE => {
                if let Some(fid) = first {
                    self.0.remove(&fid);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FidTable;
    use crate::frame::{Frame, kind};

    fn frame(kind: u8, words: &[u32]) -> Frame {
        Frame {
            kind,
            tag: 1,
            body: words.iter().flat_map(|word| word.to_le_bytes()).collect(),
        }
    }

    #[test]
    fn fids_come_and_go() {
        let mut table = FidTable::default();
        let failed = Frame::error(1, 2);
        table.observe(&frame(kind::TATTACH, &[1]), &failed);
        assert_eq!(table.len(), 0);
        table.observe(&frame(kind::TATTACH, &[1]), &frame(kind::RATTACH, &[]));
        table.observe(&frame(kind::TWALK, &[1, 2, 1]), &frame(kind::RWALK, &[1]));
        assert_eq!(table.len(), 2);
        table.observe(&frame(kind::TWALK, &[1, 3, 2]), &frame(kind::RWALK, &[1]));
        assert_eq!(table.len(), 2, "a partial walk made a fid");
        table.observe(&frame(kind::TREMOVE, &[2]), &failed);
        assert_eq!(table.len(), 1, "a failed remove kept its fid");
        table.observe(&frame(kind::TVERSION, &[]), &frame(kind::RVERSION, &[]));
        assert_eq!(table.len(), 0);
    }
}
