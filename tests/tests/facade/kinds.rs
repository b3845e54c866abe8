//! Every kind of file request there is, each in the same ways: by callback, as a future, on this thread, cancelled.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::path::Path;
use std::time::UNIX_EPOCH;

use runtime_lab::fs::{self, Access, File};
use runtime_lab::{Request, RequestError, RunMode};

use crate::support::{Busy, Log, patient};

/// How a test waits for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Callback,
    Future,
    Here,
    /// Begun behind a busy pool and cancelled there.
    Cancelled,
}

/// One request, whatever its value.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn FnOnce(Way) -> Result<(), RequestError>>,
}

fn kind<T: Send + 'static>(name: &'static str, request: Request<T>) -> Kind {
    Kind { name, run: Box::new(move |way| outcome(request, way).map(drop)) }
}

/// What the request gives in this way.
pub(crate) fn outcome<T: Send + 'static>(request: Request<T>, way: Way) -> Result<T, RequestError> {
    let runtime = patient(2);
    let busy = (way == Way::Cancelled).then(|| Busy::hold(runtime.pool(), 2));
    let heard = Log::default();
    match way {
        Way::Here => return request.run_here(),
        Way::Future => return runtime.block_on(async { request.await }).unwrap(),
        Way::Callback | Way::Cancelled => {
            let log = heard.clone();
            let job = request.then(&runtime.handle(), move |_lp, result| log.push(result)).unwrap();
            if busy.is_some() {
                job.cancel().expect("a queued request can be cancelled");
            }
        }
    }
    assert_eq!(heard.len(), 0, "not inside the call");
    assert!(!runtime.run(RunMode::Default).unwrap(), "though the threads of the pool may be stuck");
    heard.only()
}

/// What [`every_kind`] finds in its folder.
pub(crate) fn prepare(folder: &Path) {
    std::fs::write(folder.join("a"), "hello").unwrap();
    std::fs::create_dir(folder.join("empty")).unwrap();
}

/// Every kind of request about this folder. In this order each succeeds once; none does anything before it is begun.
pub(crate) fn every_kind(folder: &Path) -> Vec<Kind> {
    let at = |name: &str| folder.join(name);
    let read = Access { read: true, ..Access::default() };
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let open = File::open_with(at("a"), options.clone()).run_here().unwrap();
    let other = File::open(at("a")).run_here().unwrap();
    vec![
        kind("read", fs::read(at("a"))),
        kind("read_at_most", fs::read_at_most(at("a"), 5)),
        kind("read_to_string", fs::read_to_string(at("a"))),
        kind("write", fs::write(at("new"), "new")),
        kind("append", fs::append(at("new"), "er")),
        kind("copy", fs::copy(at("a"), at("copy"))),
        kind("copy_new", fs::copy_new(at("a"), at("copy-new"))),
        kind("stat", fs::stat(at("a"))),
        kind("lstat", fs::lstat(at("a"))),
        kind("exists", fs::exists(at("a"))),
        kind("access", fs::access(at("a"), read)),
        kind("rename", fs::rename(at("new"), at("renamed"))),
        kind("unlink", fs::unlink(at("renamed"))),
        kind("chmod", fs::chmod(at("a"), 0o600)),
        kind("utimes", fs::utimes(at("a"), UNIX_EPOCH, UNIX_EPOCH)),
        kind("symlink", fs::symlink("a", at("soft"))),
        kind("read_link", fs::read_link(at("soft"))),
        kind("link", fs::link(at("a"), at("hard"))),
        kind("realpath", fs::realpath(at("soft"))),
        kind("read_dir", fs::read_dir(folder)),
        kind("mkdir", fs::mkdir(at("made"))),
        kind("mkdir_all", fs::mkdir_all(at("made/by/all"))),
        kind("rmdir", fs::rmdir(at("empty"))),
        kind("remove_dir_all", fs::remove_dir_all(at("made"))),
        kind("mkdtemp", fs::mkdtemp(at("temporary-"))),
        kind("File::open", File::open(at("a"))),
        kind("File::open_with", File::open_with(at("a"), options)),
        kind("File::read_at", open.read_at(0, 5)),
        kind("File::write_at", open.write_at(5, " world")),
        kind("File::sync_all", open.sync_all()),
        kind("File::sync_data", open.sync_data()),
        kind("File::set_len", open.set_len(8)),
        kind("File::metadata", open.metadata()),
        kind("File::close", other.close()),
        kind("File::create", File::create(at("created"))),
    ]
}

/// The folder as text: each name with its kind and, of files, the bytes.
pub(crate) fn picture(folder: &Path) -> String {
    let mut lines: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let what = if kind.is_dir() {
                "a directory".to_owned()
            } else if kind.is_symlink() {
                format!("-> {}", std::fs::read_link(entry.path()).unwrap().display())
            } else {
                std::fs::read_to_string(entry.path()).unwrap()
            };
            // The end of a temporary name is random.
            let name = entry.file_name().into_string().unwrap();
            format!("{}: {what}\n", if name.starts_with("temporary-") { "temporary" } else { &name })
        })
        .collect();
    lines.sort();
    lines.concat()
}

#[test]
fn every_kind_does_the_same_by_callback_as_a_future_and_here() {
    for way in [Way::Callback, Way::Future, Way::Here] {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        for kind in every_kind(folder.path()) {
            (kind.run)(way).unwrap_or_else(|error| panic!("{} as {way:?}: {error}", kind.name));
        }
        let expected = "a: hello wo\ncopy-new: hello\ncopy: hello\ncreated: \nhard: hello wo\nsoft: -> a\n\
            temporary: a directory\n";
        assert_eq!(picture(folder.path()), expected, "{way:?}");
    }
}

/// The names of functions of `fs` that give a request, as [`every_kind`] calls them.
fn in_the_source() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/fs");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let requests = text.lines().filter(|line| line.contains("-> Request<"));
        for signature in requests.filter_map(|line| line.trim_start().strip_prefix("pub fn ")) {
            let name = signature.split('(').next().unwrap_or(signature);
            let is_method = signature.contains("self") || signature.contains("-> Request<File>");
            names.insert(if is_method { format!("File::{name}") } else { name.to_owned() });
        }
    }
    names
}

#[test]
fn no_kind_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let listed: BTreeSet<String> =
        every_kind(folder.path()).iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(listed, in_the_source());
}
