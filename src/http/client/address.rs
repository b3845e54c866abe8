//! Where a request goes: a URL taken apart.

use hyper::Uri;
use hyper::header::HeaderValue;

use super::ClientError;

/// The server and the page of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// A name or an IP address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// What the field `Host` says, and what tells servers apart.
    pub(super) authority: String,
    /// Path and query.
    pub(super) page: Uri,
}

impl Address {
    /// # Errors
    /// [`ClientError::Url`] and [`ClientError::Https`].
    pub(super) fn parse(url: &str) -> Result<Address, ClientError> {
        let wrong = |reason: &str| ClientError::Url { url: url.to_owned(), reason: reason.to_owned() };
        // What stands behind a # is for the reader of a page, never for its server.
        let plain = url.split('#').next().unwrap_or_default();
        let uri: Uri = plain.parse().map_err(|error| wrong(&format!("{error}")))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(ClientError::Https { url: url.to_owned() }),
            Some(_) => return Err(wrong("only http is spoken here")),
            None => return Err(wrong("it has no scheme")),
        }
        let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("send a name and a password in a field Authorization"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(wrong("it has no host"));
        }
        let port = match authority.as_str()[authority.host().len()..].strip_prefix(':') {
            None => 80,
            Some("") => return Err(wrong("its port is missing")),
            Some(port) => {
                port.parse().ok().filter(|port| *port != 0).ok_or_else(|| wrong("its port is none"))?
            }
        };
        let page = uri.path_and_query().map_or("/", |page| page.as_str());
        let page = if page.starts_with('?') { format!("/{page}") } else { page.to_owned() };
        let page = page.parse().map_err(|error| wrong(&format!("{error}")))?;
        Ok(Address { host, port, authority: authority.as_str().to_ascii_lowercase(), page })
    }

    pub(super) fn host_field(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.authority).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (String, u16, String, String) {
        let address = Address::parse(url).expect(url);
        (address.host, address.port, address.authority, address.page.to_string())
    }

    #[test]
    fn a_url_says_server_and_page() {
        for (url, host, port, authority, page) in [
            ("http://host", "host", 80, "host", "/"),
            ("http://HOST:8080/a?b=c#d", "HOST", 8080, "host:8080", "/a?b=c"),
            ("http://host?b", "host", 80, "host", "/?b"),
            ("http://127.0.0.1:1/", "127.0.0.1", 1, "127.0.0.1:1", "/"),
            ("http://[::1]:8080/x", "::1", 8080, "[::1]:8080", "/x"),
            ("HTTP://host/%20", "host", 80, "host", "/%20"),
        ] {
            assert_eq!(parts(url), (host.into(), port, authority.into(), page.into()), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_in_words() {
        for (url, reason) in [
            ("", "http://host"),
            ("/page", "it has no scheme"),
            ("host", "it has no scheme"),
            ("host:80", "it has no scheme"),
            ("ftp://host/", "only http is spoken here"),
            ("https://host/", "http://"),
            ("http://user:word@host/", "Authorization"),
            ("http://host:0/", "its port is none"),
            ("http://host:99999/", "its port is none"),
            ("http://host:/", "its port is missing"),
            ("http:///page", "http://host"),
            ("http://ho st/", "http://host"),
            ("http://host/\r\nX: y", "http://host"),
        ] {
            let error = Address::parse(url).expect_err(url).to_string();
            assert!(error.contains(reason), "{url:?}: {error}");
        }
    }
}
