//! The cookies of one check: what its server set is sent back to it, bounded, and to nobody else.

use cookie::Cookie;

/// Cookies kept of one server: a browser keeps at least fifty of a domain (RFC 6265, section 6.1).
const MOST: usize = 50;
/// A cookie is no longer (the same section).
const LONGEST: usize = 4_096;

/// What a server set, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jar(Vec<(String, String)>);

impl Jar {
    /// Takes what an answer sets.
    pub fn take<'a>(&mut self, set: impl Iterator<Item = &'a str>) {
        for text in set.filter(|t| t.len() <= LONGEST) {
            let Ok(cookie) = Cookie::parse(text) else { continue };
            let over = cookie.max_age().is_some_and(|age| age.whole_seconds() <= 0);
            self.0.retain(|(name, _)| name != cookie.name());
            if over || cookie.value().is_empty() {
                continue;
            }
            if self.0.len() >= MOST {
                self.0.remove(0);
            }
            self.0.push((cookie.name().to_owned(), cookie.value().to_owned()));
        }
    }

    /// The header that sends them back; nothing where there are none.
    #[must_use]
    pub fn header(&self) -> Option<String> {
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_sent_back_and_bounded() {
        let mut jar = Jar::default();
        assert_eq!(jar.header(), None);
        jar.take(["sessionid=a; Path=/; HttpOnly", "x=1", "sessionid=b"].into_iter());
        assert_eq!(jar.header().as_deref(), Some("x=1; sessionid=b"));
        jar.take(["x=; Max-Age=0", "nonsense", &format!("y={}", "z".repeat(9_000))].into_iter());
        assert_eq!(jar.header().as_deref(), Some("sessionid=b"));
        let many: Vec<String> = (0..1_000).map(|n| format!("c{n}=1")).collect();
        jar.take(many.iter().map(String::as_str));
        assert_eq!(jar.0.len(), MOST);
    }
}
