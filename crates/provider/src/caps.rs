//! `NPGetCaps`: what this provider can do, one number per question. Never does I/O: every program that touches a
//! network asks it.

/// Our net type, unlike any that Microsoft assigned (they end below 0x0050_0000): "9P" in ASCII in the upper word.
/// Providers that share a type, as many do with the sample redirector's, are mistaken for one another.
pub(crate) const NET_TYPE: u32 = 0x3950_0000;

const SPEC_VERSION: u32 = 0x1;
const NET_TYPE_INDEX: u32 = 0x2;
const DRIVER_VERSION: u32 = 0x3;
const CONNECTION: u32 = 0x6;
const ENUMERATION: u32 = 0xB;
const START: u32 = 0xC;

const SPEC_VERSION_51: u32 = 0x0005_0001;
const CON_ADD: u32 = 0x1;
const CON_CANCEL: u32 = 0x2;
const CON_GET: u32 = 0x4;
const CON_ADD3: u32 = 0x8;
const ENUM_LOCAL: u32 = 0x2;
const STARTED: u32 = 0x1;

/// Major and minor version of this package, as the router shows it.
const VERSION: u32 = 0x0000_0001;

/// Answers one `WNNC_*` question; 0 for whatever is not supported or not known.
pub(crate) fn capability(index: u32) -> u32 {
    match index {
        SPEC_VERSION => SPEC_VERSION_51,
        NET_TYPE_INDEX => NET_TYPE,
        DRIVER_VERSION => VERSION,
        CONNECTION => CON_ADD | CON_CANCEL | CON_GET | CON_ADD3,
        ENUMERATION => ENUM_LOCAL,
        START => STARTED,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_what_is_exported_and_nothing_else() {
        assert_eq!(capability(CONNECTION), 0xF);
        assert_eq!(capability(ENUMERATION), 0x2);
        assert_eq!(capability(START), 1);
        // WNNC_USER, WNNC_DIALOG, WNNC_ADMIN and the future: not ours.
        for index in [0, 4, 5, 7, 8, 9, 10, 13, u32::MAX] {
            assert_eq!(capability(index), 0, "index {index}");
        }
    }

    #[test]
    fn the_net_type_is_in_the_upper_word_and_above_every_assigned_one() {
        assert_eq!(NET_TYPE & 0xFFFF, 0);
        // 0xFFFF0000 is the credential managers' range.
        assert!((0x0050_0000..0xFFFF_0000).contains(&capability(NET_TYPE_INDEX)));
    }
}
