//! Which route answers a path and a method.
//!
//! # Model
//! A pattern is `[METHOD ]/path` for one path, or `[METHOD ]/path/*` for all paths that begin with `/path/`. A path that is
//! named exactly comes before a prefix, and a longer prefix before a shorter one. The path decides first, then the method.

use std::collections::BTreeMap;
use std::rc::Rc;

use event_loop::SpanSite;
use hyper::Method;

use super::message::{Reply, Request};
use super::upload::RequestBody;

/// What a route does with a request.
pub(super) enum Handler {
    /// It wants the body whole.
    Whole(Box<dyn Fn(Request) -> Reply>),
    /// It reads the body itself.
    Streaming(Box<dyn Fn(Request, RequestBody) -> Reply>),
}

pub(super) struct Route {
    pub(super) handler: Handler,
    pub(super) span: SpanSite,
}

/// The routes of one path, one for each method; `None` takes what no other takes.
type Methods = Vec<(Option<Method>, Rc<Route>)>;

#[derive(Default)]
pub(super) struct Routes {
    exact: BTreeMap<String, Methods>,
    /// The longest first.
    prefixes: Vec<(String, Methods)>,
}

/// What there is for a path and a method.
pub(super) enum Found<'a> {
    Route(&'a Rc<Route>),
    /// The path has other methods: the value of the field `Allow`.
    OtherMethods(String),
    Nothing,
}

impl Routes {
    /// # Panics
    /// When the pattern is none.
    #[track_caller]
    pub(super) fn insert(&mut self, pattern: &str, route: Route) {
        let (method, path) = match pattern.split_once(' ') {
            Some((method, path)) => (Some(method), path),
            None => (None, pattern),
        };
        let method = method.map(|method| {
            let known = Method::from_bytes(method.as_bytes()).ok();
            known.unwrap_or_else(|| panic!("{pattern:?}: {method:?} is not a method"))
        });
        assert!(path.starts_with('/'), "{pattern:?}: a path begins with a slash");
        let methods = match path.strip_suffix('*') {
            Some(prefix) => {
                assert!(prefix.ends_with('/'), "{pattern:?}: a star stands after a slash, at the end");
                self.prefix(prefix)
            }
            None => self.exact.entry(path.to_owned()).or_default(),
        };
        methods.retain(|(known, _)| *known != method);
        methods.push((method, Rc::new(route)));
    }

    fn prefix(&mut self, prefix: &str) -> &mut Methods {
        let at = self.prefixes.iter().position(|(known, _)| known == prefix).unwrap_or_else(|| {
            let at = self.prefixes.partition_point(|(known, _)| known.len() >= prefix.len());
            self.prefixes.insert(at, (prefix.to_owned(), Methods::new()));
            at
        });
        &mut self.prefixes[at].1
    }

    pub(super) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let prefix = || self.prefixes.iter().find(|(prefix, _)| path.starts_with(prefix));
        let methods = self.exact.get(path).or_else(|| prefix().map(|(_, methods)| methods));
        let Some(methods) = methods else { return Found::Nothing };
        let by = |wanted: Option<&Method>| {
            methods.iter().find(|(known, _)| known.as_ref() == wanted).map(|(_, route)| route)
        };
        // hyper leaves the body of an answer to HEAD away.
        let get = || by(Some(&Method::GET)).filter(|_| *method == Method::HEAD);
        match by(Some(method)).or_else(get).or_else(|| by(None)) {
            Some(route) => Found::Route(route),
            None => Found::OtherMethods(allowed(methods)),
        }
    }
}

/// The methods that there are, for the field `Allow`.
fn allowed(methods: &Methods) -> String {
    let mut names: Vec<&str> =
        methods.iter().filter_map(|(method, _)| method.as_ref().map(Method::as_str)).collect();
    if names.contains(&"GET") && !names.contains(&"HEAD") {
        names.push("HEAD");
    }
    names.sort_unstable();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{IntoReply, text};

    fn routes(patterns: &[&str]) -> Routes {
        let mut routes = Routes::default();
        for pattern in patterns {
            let handler = Handler::Whole(Box::new(|_request| text("").into_reply()));
            routes.insert(pattern, Route { handler, span: SpanSite::new(pattern) });
        }
        routes
    }

    fn found(routes: &Routes, method: Method, path: &str) -> String {
        match routes.find(&method, path) {
            Found::Route(route) => format!("{:?}", route.span).split('"').nth(1).expect("a name").to_owned(),
            Found::OtherMethods(allowed) => format!("405 {allowed}"),
            Found::Nothing => "404".to_owned(),
        }
    }

    #[test]
    fn the_path_decides_first_and_then_the_method() {
        let routes = routes(&["/", "GET /a", "PUT /a", "/a/*", "GET /a/b/*", "POST /any", "/any"]);
        for (method, path, expected) in [
            (Method::GET, "/", "/"),
            (Method::GET, "/a", "GET /a"),
            (Method::HEAD, "/a", "GET /a"),
            (Method::PUT, "/a", "PUT /a"),
            (Method::POST, "/a", "405 GET, HEAD, PUT"),
            (Method::POST, "/a/", "/a/*"),
            (Method::POST, "/a/x", "/a/*"),
            (Method::GET, "/a/b/x", "GET /a/b/*"),
            (Method::POST, "/a/b/x", "405 GET, HEAD"),
            (Method::POST, "/any", "POST /any"),
            (Method::GET, "/any", "/any"),
            (Method::GET, "/b", "404"),
        ] {
            assert_eq!(found(&routes, method.clone(), path), expected, "{method} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for wrong in ["", "a", "GET", "GET a", "G\u{e9}T /a", "/a*"] {
            assert!(std::panic::catch_unwind(|| routes(&[wrong])).is_err(), "{wrong:?}");
        }
    }
}
