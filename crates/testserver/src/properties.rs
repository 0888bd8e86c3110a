//! Properties that tell how many cases they were held against.

/// `proptest!` for whole tests, in the same words. Each prints a line `sweep: N random cases of …`, counted one by one as
/// they hold: neither those that an assumption turns down nor what the configuration only asks for.
///
/// The crate that uses it depends on `proptest` itself.
#[macro_export]
macro_rules! properties {
    (
        #![proptest_config($config:expr)]
        $($(#[$meta:meta])* fn $name:ident($($arguments:tt)*) $body:block)*
    ) => {$(
        $(#[$meta])*
        fn $name() {
            let held = ::core::cell::Cell::new(0_u32);
            ::proptest::proptest!($config, |($($arguments)*)| {
                (|| -> ::core::result::Result<(), ::proptest::test_runner::TestCaseError> {
                    $body
                    Ok(())
                })()?;
                held.set(held.get() + 1);
            });
            ::std::println!(
                "sweep: {} random cases of {}::{}",
                held.get(),
                ::core::module_path!(),
                ::core::stringify!($name)
            );
        }
    )*};
    ($($tests:tt)*) => {
        $crate::properties! {
            #![proptest_config(::proptest::test_runner::Config::default())]
            $($tests)*
        }
    };
}
