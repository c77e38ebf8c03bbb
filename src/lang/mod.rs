//! Every visible sentence, in Spanish and English.
//!
//! A sentence is a method of [`Lang`]: both languages stand one above the other in the tables beside this file, and
//! the compiler sees to it that neither is missing and that both have the same arguments. (A runtime catalogue was
//! weighed: it can do neither, and costs its parsing before the first frame.)

mod cli;
mod commands;
mod figures;
mod postmortem;
mod record;
mod rules;
mod run;
mod runbook;
mod screen;
mod window;

/// A language that cabina speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Lang {
    /// Spanish, as written in Mexico.
    #[default]
    Es,
    /// English.
    En,
}

impl Lang {
    /// Reads `es` or `en`, also as the start of a locale such as `es_MX.UTF-8`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split(['_', '.', '@', '-']).next()? {
            "es" => Some(Self::Es),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The two-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Es => "es",
            Self::En => "en",
        }
    }

    /// A whole number in groups of three: `2 460` in Spanish (as the standard of both the Academies and SI has it),
    /// `2,460` in English.
    #[must_use]
    pub fn grouped(self, value: f64) -> String {
        let digits = format!("{:.0}", value.abs());
        let separator = match self {
            Self::Es => ' ',
            Self::En => ',',
        };
        let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
        if value <= -0.5 {
            out.push('-');
        }
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i) % 3 == 0 {
                out.push(separator);
            }
            out.push(c);
        }
        out
    }
}

/// Makes a method of each sentence. The English text, as code so that nothing in it is a link, is its documentation.
macro_rules! sentences {
    ($($name:ident ( $($arg:ident),* ) $es:literal / $en:literal)*) => {
        impl crate::lang::Lang {
            $(
                #[doc = concat!("`", $en, "`")]
                #[must_use]
                pub fn $name(self $(, $arg: impl std::fmt::Display)*) -> String {
                    match self {
                        Self::Es => format!($es),
                        Self::En => format!($en),
                    }
                }
            )*
        }
    };
}
use sentences;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(Lang::Es.grouped(0.0), "0");
        assert_eq!(Lang::Es.grouped(999.0), "999");
        assert_eq!(Lang::Es.grouped(1_000.0), "1 000");
        assert_eq!(Lang::En.grouped(-1_234_567.0), "-1,234,567");
    }

    #[test]
    fn a_locale_names_a_language() {
        assert_eq!(Lang::parse("es_MX.UTF-8"), Some(Lang::Es));
        assert_eq!(Lang::parse("en"), Some(Lang::En));
        assert_eq!(Lang::parse("C"), None);
        assert_eq!(Lang::parse(""), None);
    }
}
