//! Code from the .proto, without an installed protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["chatterbox.proto"], ["proto"])?;
    tonic_prost_build::compile_fds(files)?;
    Ok(())
}
