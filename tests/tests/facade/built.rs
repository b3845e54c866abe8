//! The programs of the examples, as cargo builds them beside the tests of the same profile.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The folder of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the repository")
}

/// The program of an example. `cargo test --workspace` has built them; a test of this package alone has not, and then
/// cargo builds what is missing or old: nobody holds its lock any more while tests run.
pub(crate) fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let this = std::env::current_exe().expect("the path of this test");
        let profile = this.ancestors().nth(2).expect("tests are built into <profile>/deps").to_owned();
        let folder = profile.join("examples");
        if examples().iter().any(|name| is_older_than_its_source(&folder.join(name), name)) {
            build(&profile);
        }
        folder
    });
    folder.join(name)
}

/// The examples that are one file.
fn examples() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("examples")).expect("there are examples");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let sources = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    sources.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

fn is_older_than_its_source(program: &Path, name: &str) -> bool {
    let changed = |path: &Path| -> Option<SystemTime> {
        std::fs::metadata(path).and_then(|known| known.modified()).ok()
    };
    // The file, and the modules of its own that some have in a folder of the same name.
    let folder = std::fs::read_dir(root().join("examples").join(name));
    let modules = folder.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let sources = modules.chain([root().join("examples").join(format!("{name}.rs"))]);
    let newest = sources.filter_map(|path| changed(&path)).max();
    changed(program).is_none_or(|built| newest.is_none_or(|newest| built < newest))
}

fn build(profile: &Path) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args([
        "build",
        "--quiet",
        "--package",
        "runtime-lab",
        "--examples",
        "--target-dir",
    ]);
    cargo.arg(profile.parent().expect("a profile is a folder of the target folder"));
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo can be started").success());
}
