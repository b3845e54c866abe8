//! A static file server: a folder, its pages and its lists, on one thread; the pool does what would block.
//!
//! ```sh
//! cargo run --example static_files                       # this folder, at http://127.0.0.1:8080
//! cargo run --example static_files -- target/book --port 0
//! curl -r 0-99 http://127.0.0.1:8080/README.md           # a part of a file
//! ```
//!
//! Opening, reading and listing are requests for the pool, and a file is read 64 KiB at a time. So a slow disk delays
//! only who waits for it, and a slow client holds one piece of its file and not all of it. What lies outside of the
//! folder is not there, also where a link leads out; names that begin with a dot or are not UTF-8 are hidden. Ctrl-C or
//! SIGTERM: downloads under way may end within `--grace`.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use clap::Parser;
use runtime_lab::http::{self, Request, Response, Server, ServerHandle, StatusCode};
use runtime_lab::{RequestError, RunMode, Runtime, fs};

/// Serves the files of a folder on this machine.
#[derive(Parser)]
struct Options {
    /// The folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The port to listen on; 0 takes one that is free
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address to listen on; 0.0.0.0 lets other machines in
    #[arg(long, default_value = "127.0.0.1")]
    address: std::net::IpAddr,
    /// Seconds that downloads under way may take after Ctrl-C
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    grace: u64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = Runtime::new()?;
    let root = fs::realpath(&options.folder).run_here()?;
    anyhow::ensure!(root.is_dir(), "{} is no folder", root.display());
    println!("serving {}", root.display());
    let root: Rc<Path> = root.into();
    let server = Server::on((options.address, options.port))?
        .route("GET /*", move |request| answer(root.clone(), request))
        .serve(&runtime.handle())?;
    stop_on_signals(&runtime, &server, Duration::from_secs(options.grace))?;
    println!("listening on http://{}", server.local_addr());
    runtime.run(RunMode::Default)?;
    let stats = server.stats();
    say(format_args!("{} requests on {} connections, {} cut off", stats.requests, stats.accepted, stats.cut));
    Ok(())
}

/// Prints a line. That nobody reads it any more, as behind a pipe, is no reason to leave work undone.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

#[cfg(unix)]
fn stop_on_signals(runtime: &Runtime, server: &ServerHandle, grace: Duration) -> anyhow::Result<()> {
    for number in [2, 15] {
        let (signal, server) = (runtime_lab::Signal::new(&runtime.handle()), server.clone());
        // For one time: a second Ctrl-C does what it does by default.
        signal.start_once(number, move |_lp, _signal| {
            say(format_args!("stops within {grace:?}"));
            drop(server.stop_within(grace));
        })?;
        // The server keeps the loop alive; the wish to hear of signals does not.
        signal.unref();
    }
    Ok(())
}

#[cfg(not(unix))]
fn stop_on_signals(_runtime: &Runtime, _server: &ServerHandle, _grace: Duration) -> anyhow::Result<()> {
    Ok(())
}

async fn answer(root: Rc<Path>, request: Request) -> Response {
    let Some(below) = request.path_below("/") else { return not_found() };
    if below.iter().any(|name| name.as_encoded_bytes().starts_with(b".")) {
        return not_found();
    }
    // Links are followed first, so that what is looked at is what is served.
    let path = match fs::realpath(root.join(&below)).await {
        Ok(path) if path.starts_with(&*root) => path,
        Ok(_) => return not_found(),
        Err(error) => return refusal(&error),
    };
    match fs::stat(&path).await {
        Ok(known) if !known.is_dir() => http::file(&request, path).await,
        // A relative link of the page would lead to the folder above.
        Ok(_) if !request.path().ends_with('/') => http::with_status(StatusCode::MOVED_PERMANENTLY, "")
            .header("location", &format!("{}/", request.path())),
        Ok(_) => folder(&request, path).await,
        Err(error) => refusal(&error),
    }
}

/// The page `index.html` of a folder, or a list of what is in it.
async fn folder(request: &Request, path: PathBuf) -> Response {
    let index = path.join("index.html");
    if fs::exists(&index).await.unwrap_or(false) {
        return http::file(request, index).await;
    }
    let entries = match fs::read_dir(&path).await {
        Ok(entries) => entries,
        Err(error) => return refusal(&error),
    };
    let mut page = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>{0}</title><h1>{0}</h1>\n<ul>\n",
        html(request.path())
    );
    if request.path() != "/" {
        page += "<li><a href=\"../\">../</a>\n";
    }
    for entry in &entries {
        let Some(name) = entry.path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.starts_with('.') {
            continue;
        }
        let slash = if entry.kind.is_dir() { "/" } else { "" };
        page += &format!("<li><a href=\"{}{slash}\">{}{slash}</a>\n", escaped(name), html(name));
    }
    http::text(page + "</ul>\n").content_type("text/html; charset=utf-8")
}

fn not_found() -> Response {
    http::with_status(StatusCode::NOT_FOUND, "no such file\n")
}

fn refusal(error: &RequestError) -> Response {
    match error.cause().map(std::io::Error::kind) {
        Some(std::io::ErrorKind::PermissionDenied) => {
            http::with_status(StatusCode::FORBIDDEN, "this may not be read\n")
        }
        Some(std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => not_found(),
        // What is wrong inside is none of the client's business.
        _ => http::with_status(StatusCode::SERVICE_UNAVAILABLE, "this cannot be read now\n"),
    }
}

/// Text within a page.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A name within a link: a dot and a slash before it, so that a colon in it begins no scheme.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let each = name
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    format!("./{}", each.collect::<String>())
}
