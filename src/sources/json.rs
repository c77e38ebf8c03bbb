//! What JSON from outside has in common: what is wrong with it, in words.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::IgnoredAny;
use serde::de::SeqAccess;
use serde::de::Visitor;

use crate::model::signal::Absence;
use crate::model::text::clean;

/// Why a body is not what it should be.
#[must_use]
pub(crate) fn malformed(e: &serde_json::Error) -> Absence {
    Absence::Malformed(match e.classify() {
        serde_json::error::Category::Eof => "the JSON ends in the middle".to_owned(),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "not JSON".to_owned(),
        serde_json::error::Category::Data => clean(&format!("JSON of another shape: {e}")),
    })
}

/// The first elements of a list, and how many it had: a server's answer costs no more than what is kept of it.
#[derive(Debug)]
pub(crate) struct First<T, const N: usize> {
    pub(crate) kept: Vec<T>,
    pub(crate) all: usize,
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for First<T, N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Elements<T, const N: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Elements<T, N> {
            type Value = First<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut first = First { kept: Vec::new(), all: 0 };
                while first.kept.len() < N {
                    match list.next_element()? {
                        Some(element) => first.kept.push(element),
                        None => break,
                    }
                    first.all += 1;
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    first.all += 1;
                }
                Ok(first)
            }
        }
        from.deserialize_seq(Elements(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_list_the_beginning_is_kept() {
        let first: First<u32, 2> = serde_json::from_str("[1,2,3,{\"x\":[4]},5]").unwrap();
        assert_eq!((first.kept, first.all), (vec![1, 2], 5));
        let few: First<u32, 9> = serde_json::from_str("[]").unwrap();
        assert_eq!((few.kept.len(), few.all), (0, 0));
        assert!(serde_json::from_str::<First<u32, 2>>("[1,\"x\"]").is_err());
        assert!(serde_json::from_str::<First<u32, 2>>("{}").is_err());
    }
}
