//! Enums whose numbers go from user space to the kernel program and back, or are stored in maps.

/// Defines an enum with a number for each variant, and the conversions both ways. A variant keeps its number when variants
/// are reordered. A number that is given twice does not compile.
macro_rules! numbered {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$variant_attribute:meta])* $variant:ident = $number:literal,)+
        }
    ) => {
        $(#[$attribute])*
        #[repr(u8)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_attribute])* $variant = $number,)+
        }

        impl $name {
            /// All variants, in the order of their definition.
            pub const ALL: [Self; [$($number),+].len()] = [$(Self::$variant),+];

            /// The number of the variant.
            #[inline(always)]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The variant that has this number.
            #[inline(always)]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use numbered;
