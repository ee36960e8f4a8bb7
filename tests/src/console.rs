//! The console of a daemon, asked over plain HTTP as a browser with a session asks it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::daemon::Daemon;
use crate::home::Home;
use crate::http::{Answer, Connection, Request};

/// At most so many pages of one shape are looked at; more would show the same again.
const ALIKE_MAX: usize = 2;

/// Where the console listens, and a session there.
#[derive(Debug, Clone)]
pub struct Console {
    /// Where it listens.
    pub addr: SocketAddr,
    cookie: String,
}

impl Console {
    /// Starts a session at the console of a daemon.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn of(daemon: &Daemon) -> Self {
        Self::open(&one_time_link(daemon))
    }

    /// Starts a session with a one-time link.
    ///
    /// # Panics
    /// Where it does not work.
    #[must_use]
    pub fn open(link: &str) -> Self {
        let rest = link.trim().strip_prefix("http://").expect("a link is an address");
        let (addr, _) = rest.split_once('/').expect("a link has a path");
        let addr = addr.parse().expect("a link names this machine by its number");
        let path = &rest[rest.find('/').expect("it was found before")..];
        let mut console = Self { addr, cookie: String::new() };
        let answer = console.get(path).expect(200);
        let cookie = answer.header("set-cookie").expect("a session has a cookie");
        console.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        console
    }

    /// Starts a session at the console that a home's files tell of.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn of_home(home: &Home) -> Self {
        Self::open(home.oriel(&["open", "--print"]).done())
    }

    /// Returns the console as somebody without a session sees it.
    #[must_use]
    pub fn stranger(addr: SocketAddr) -> Self {
        Self { addr, cookie: String::new() }
    }

    /// Returns the name of its session, which its cookie holds.
    #[must_use]
    pub fn session(&self) -> &str {
        self.cookie.split_once('=').map_or("", |(_, name)| name)
    }

    /// Asks for a page, as the session where there is one.
    ///
    /// # Panics
    /// Where nothing answers.
    pub fn get(&self, path: &str) -> Answer {
        let mut connection = Connection::tcp(self.addr).expect("the console listens");
        let request = Request::get(path);
        let request = match self.cookie.as_str() {
            "" => request,
            cookie => request.header("cookie", cookie),
        };
        connection.send(&request).expect("the console answers")
    }

    /// Returns the addresses that every page links to, in their order.
    #[must_use]
    pub fn navigation(&self) -> Vec<String> {
        let page = self.get("/status").expect(200);
        let text = page.text();
        let start = text.find("<nav id=\"nav\"").expect("every page has its navigation");
        let end = text[start..].find("</nav>").expect("it ends");
        let mut paths: Vec<String> = Vec::new();
        for link in links(&text[start..start + end]) {
            if !paths.contains(&link) {
                paths.push(link);
            }
        }
        assert!(2 < paths.len(), "the navigation leads somewhere: {paths:?}");
        paths
    }

    /// Returns the addresses within the console that a page links to.
    #[must_use]
    pub fn links(&self, path: &str) -> Vec<String> {
        links(self.get(path).text())
    }

    /// Returns every page that is there: those of the navigation, and of those that they link to some of
    /// each shape.
    #[must_use]
    pub fn pages(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut linked = BTreeSet::new();
        for path in self.navigation() {
            let answer = self.get(&path);
            if is_page(&answer) {
                linked.extend(links(answer.text()));
                found.push(path);
            }
        }
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        for path in linked {
            let path = path.split(['?', '#']).next().unwrap_or_default().to_owned();
            if path.starts_with("/static/")
                || path.starts_with("/session/")
                || found.contains(&path)
            {
                continue;
            }
            let seen = alike.entry(shape(&path)).or_default();
            if *seen < ALIKE_MAX && is_page(&self.get(&path)) {
                *seen += 1;
                found.push(path);
            }
        }
        found
    }
}

/// Returns a link that starts a session, once.
#[must_use]
pub fn one_time_link(daemon: &Daemon) -> String {
    daemon.oriel(&["open", "--print"]).done().trim().to_owned()
}

fn is_page(answer: &Answer) -> bool {
    let kind = answer.header("content-type").unwrap_or_default();
    answer.status == 200 && kind.starts_with("text/html")
}

/// Returns the addresses within the console that a text links to.
fn links(html: &str) -> Vec<String> {
    let rest = html.split("href=\"").skip(1);
    let links = rest.filter_map(|rest| rest.split('"').next());
    let links = links.map(|link| link.replace("&#x2f;", "/").replace("&amp;", "&"));
    links.filter(|link| link.starts_with('/') && !link.starts_with("//")).collect()
}

/// Returns a path without what varies between pages of a kind: parts that look like names that a
/// program gave.
fn shape(path: &str) -> String {
    let varies = |part: &str| {
        24 < part.len() || part.contains(|c: char| c.is_ascii_digit() || c == '%' || c == ':')
    };
    path.split('/').map(|part| if varies(part) { "*" } else { part }).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_kind_have_one_shape() {
        assert_eq!(shape("/sessions/demo-1-0"), shape("/sessions/7c1d5a00-0000"));
        assert_ne!(shape("/settings/access"), shape("/settings/hooks"));
    }

    #[test]
    fn links_are_read_as_a_browser_reads_them() {
        let html =
            r#"<a href="&#x2f;a?b=1&amp;c=2">x</a><a href="//else">y</a><a href="http://z/">z</a>"#;
        assert_eq!(links(html), ["/a?b=1&c=2"]);
    }
}
