//! The slimdiff binary: all of it is in the library.

/// A parse allocates millions of small strings on all cores at once, which the system's allocator serves slowly and
/// gives back late.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    slimdiff::cli::main()
}
