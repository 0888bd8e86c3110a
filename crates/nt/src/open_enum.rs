//! Enumerations whose values come from outside.

/// Declares a newtype over `u32` with named values: an enumeration that may hold any value from outside.
macro_rules! open_enum {
    ($(#[$meta:meta])* pub struct $type:ident { $($(#[$vmeta:meta])* $name:ident = $value:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(transparent)]
        pub struct $type(pub u32);

        impl $type {
            $($(#[$vmeta])* pub const $name: Self = Self($value);)*

            /// The name, if the value is a known one.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }

        impl core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($type), "({})"), self.0),
                }
            }
        }
    };
}
