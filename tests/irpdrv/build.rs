//! Build configuration of the test driver: the WDK's linker settings.

fn main() -> Result<(), wdk_build::ConfigError> {
    wdk_build::configure_wdk_binary_build()?;
    // The loader checks the image's checksum; the linker computes one only for release images.
    println!("cargo::rustc-cdylib-link-arg=/RELEASE");
    Ok(())
}
