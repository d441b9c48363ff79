//! Link options of the cdylib.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // The crypto library leaves destructors of thread-local storage with libc, which run when a thread ends:
        // dlclose must not take their code away from under them.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
