//! A theme gives each meaning its style. Colours are asked for by meaning, never by name; a severity is a word and a
//! glyph first, and only then a colour.

use std::collections::BTreeMap;

use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;

use crate::model::severity::Level;

/// What a piece of the screen means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Ordinary text.
    #[default]
    Text,
    /// Text that can be overlooked: ages, units, explanations.
    Muted,
    /// Titles of panes and labels of lines.
    Title,
    /// Lines around panes.
    Border,
    /// The border and title of the pane that has the keys.
    Focus,
    /// The selected line.
    Selected,
    /// A key in a hint.
    Key,
    /// SEV1.
    Sev1,
    /// SEV2.
    Sev2,
    /// SEV3.
    Sev3,
    /// SEV4.
    Sev4,
    /// UNKNOWN, blind, stale.
    Unknown,
    /// OK, up, well.
    Good,
    /// The word PRODUCTION.
    Production,
    /// A value that is history.
    Stale,
    /// The curve of a chart.
    Curve,
    /// A second curve.
    Second,
    /// A limit in a chart.
    Limit,
    /// A marker in a chart.
    Marker,
    /// A sentence for the person in the last line.
    Notice,
}

impl Role {
    /// Every role with its name in a theme file.
    pub const ALL: [(Self, &'static str); 20] = [
        (Self::Text, "text"),
        (Self::Muted, "muted"),
        (Self::Title, "title"),
        (Self::Border, "border"),
        (Self::Focus, "focus"),
        (Self::Selected, "selected"),
        (Self::Key, "key"),
        (Self::Sev1, "sev1"),
        (Self::Sev2, "sev2"),
        (Self::Sev3, "sev3"),
        (Self::Sev4, "sev4"),
        (Self::Unknown, "unknown"),
        (Self::Good, "good"),
        (Self::Production, "production"),
        (Self::Stale, "stale"),
        (Self::Curve, "curve"),
        (Self::Second, "second"),
        (Self::Limit, "limit"),
        (Self::Marker, "marker"),
        (Self::Notice, "notice"),
    ];

    /// The role of a level.
    #[must_use]
    pub fn of(level: Level) -> Self {
        match level {
            Level::Sev1 => Self::Sev1,
            Level::Sev2 => Self::Sev2,
            Level::Sev3 => Self::Sev3,
            Level::Sev4 => Self::Sev4,
            Level::Unknown => Self::Unknown,
            Level::Ok => Self::Good,
        }
    }
}

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// None: only bold, underlined and reversed.
    None,
    /// The sixteen of the terminal's own palette.
    Sixteen,
    /// 256.
    Indexed,
    /// 24 bits.
    #[default]
    True,
}

impl Depth {
    /// Reads the depth from the environment: `NO_COLOR` set and not empty wins (no-color.org), then `COLORTERM`,
    /// then `TERM`. Nothing is asked of the terminal.
    #[must_use]
    pub fn detect(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Self {
        if no_color.is_some_and(|v| !v.is_empty()) {
            return Self::None;
        }
        let colorterm = colorterm.unwrap_or_default();
        let term = term.unwrap_or_default();
        match () {
            () if colorterm == "truecolor" || colorterm == "24bit" || term.contains("direct") => Self::True,
            () if term.contains("256color") => Self::Indexed,
            () => Self::Sixteen,
        }
    }
}

/// What makes a theme unusable.
#[derive(Debug, PartialEq, Eq)]
pub struct ThemeError(pub String);

impl std::fmt::Display for ThemeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ThemeError {}

/// A style for every role, ready for one terminal.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    styles: Vec<Style>,
    /// How many colours the terminal has.
    pub depth: Depth,
    /// Only ASCII may be drawn.
    pub ascii: bool,
}

const NOCHE: &str = include_str!("../themes/noche.toml");
const DIA: &str = include_str!("../themes/dia.toml");
const ALTO_CONTRASTE: &str = include_str!("../themes/alto-contraste.toml");

impl Theme {
    /// The themes that come with the program.
    pub const NAMES: [&str; 3] = ["noche", "dia", "alto-contraste"];

    /// A theme of the program by its name.
    ///
    /// # Errors
    /// When there is no such theme, or its file is not a theme.
    pub fn named(name: &str, depth: Depth, ascii: bool) -> Result<Self, ThemeError> {
        let text = match name {
            "noche" => NOCHE,
            "dia" => DIA,
            "alto-contraste" => ALTO_CONTRASTE,
            other => {
                return Err(ThemeError(format!("no theme is called {other:?}; there are {}", Self::NAMES.join(", "))));
            }
        };
        Self::parse(text, depth, ascii)
    }

    /// Reads a theme file: a table `[role]` of strings such as `"#ff5f5f/lightred on #300000/black bold"`, the
    /// 24-bit colour first, the one for sixteen colours after the slash. Every role must be there.
    ///
    /// # Errors
    /// Names the role and what is wrong with it.
    pub fn parse(text: &str, depth: Depth, ascii: bool) -> Result<Self, ThemeError> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            role: BTreeMap<String, String>,
        }
        let file: File = toml::from_str(text).map_err(|e| ThemeError(e.message().to_owned()))?;
        if let Some(unknown) = file.role.keys().find(|k| !Role::ALL.iter().any(|(_, name)| name == k)) {
            return Err(ThemeError(format!("no role is called {unknown:?}")));
        }
        let mut styles = Vec::with_capacity(Role::ALL.len());
        for (_, name) in Role::ALL {
            let line = file.role.get(name).ok_or_else(|| ThemeError(format!("the role {name:?} is missing")))?;
            let style = parse_style(line, depth).map_err(|why| ThemeError(format!("role {name:?}: {why}")))?;
            styles.push(style);
        }
        Ok(Self { styles, depth, ascii })
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }
}

fn parse_style(line: &str, depth: Depth) -> Result<Style, String> {
    let mut style = Style::new();
    let mut background = false;
    for word in line.split_whitespace() {
        match word {
            "on" => background = true,
            "bold" => style = style.add_modifier(Modifier::BOLD),
            "dim" => style = style.add_modifier(Modifier::DIM),
            "underlined" => style = style.add_modifier(Modifier::UNDERLINED),
            "reversed" => style = style.add_modifier(Modifier::REVERSED),
            "italic" => style = style.add_modifier(Modifier::ITALIC),
            // Only where there are no colours: what colour would have shown must still be seen.
            "plain-reversed" if depth == Depth::None => style = style.add_modifier(Modifier::REVERSED),
            "plain-bold" if depth == Depth::None => style = style.add_modifier(Modifier::BOLD),
            "plain-reversed" | "plain-bold" | "default" => {}
            colour => {
                let colour = parse_colour(colour, depth)?;
                style = match (colour, background) {
                    (None, _) => style,
                    (Some(c), true) => style.bg(c),
                    (Some(c), false) => style.fg(c),
                };
            }
        }
    }
    Ok(style)
}

fn parse_colour(word: &str, depth: Depth) -> Result<Option<Color>, String> {
    let (exact, named) = word.split_once('/').ok_or_else(|| format!("{word:?} is not colour/name"))?;
    let hex = exact.strip_prefix('#').filter(|h| h.len() == 6).ok_or_else(|| format!("{exact:?} is not #rrggbb"))?;
    let rgb = u32::from_str_radix(hex, 16).map_err(|_| format!("{exact:?} is not #rrggbb"))?;
    let sixteen = named.parse::<Color>().map_err(|_| format!("{named:?} is no colour name"))?;
    let (r, g, b) = ((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8);
    Ok(match depth {
        Depth::None => None,
        Depth::Sixteen => Some(sixteen),
        Depth::Indexed => Some(Color::Indexed(nearest(r, g, b))),
        Depth::True => Some(Color::Rgb(r, g, b)),
    })
}

/// The nearest colour of the 6x6x6 cube and the 24 greys of the xterm palette.
fn nearest(r: u8, g: u8, b: u8) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let near = |v: u8| (0..6).min_by_key(|i| STEPS[*i].abs_diff(v)).unwrap_or(0);
    let (ri, gi, bi) = (near(r), near(g), near(b));
    let cube = (STEPS[ri], STEPS[gi], STEPS[bi]);
    let average = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let step = (average.saturating_sub(8) / 10).min(23) as u8;
    let grey = 8 + 10 * step;
    let apart = |x: (u8, u8, u8)| {
        let d = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        d(x.0, r) + d(x.1, g) + d(x.2, b)
    };
    if apart((grey, grey, grey)) < apart(cube) { 232 + step } else { (16 + 36 * ri + 6 * gi + bi) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_of_the_program_is_whole_at_every_depth() {
        for name in Theme::NAMES {
            for depth in [Depth::None, Depth::Sixteen, Depth::Indexed, Depth::True] {
                let theme = Theme::named(name, depth, false).unwrap_or_else(|e| panic!("{name}: {e}"));
                if depth == Depth::None {
                    let coloured = theme.styles.iter().any(|s| s.fg.is_some() || s.bg.is_some());
                    assert!(!coloured, "{name} shows a colour under NO_COLOR");
                }
            }
        }
    }

    #[test]
    fn without_colour_focus_selection_and_severity_can_still_be_seen() {
        for name in Theme::NAMES {
            let theme = Theme::named(name, Depth::None, false).unwrap();
            for role in [Role::Focus, Role::Selected, Role::Sev1, Role::Sev2, Role::Production] {
                assert!(!theme.style(role).add_modifier.is_empty(), "{name}: {role:?}");
            }
        }
    }

    #[test]
    fn the_roles_stand_in_the_order_of_the_enum() {
        assert!(Role::ALL.iter().enumerate().all(|(i, (role, _))| *role as usize == i));
    }

    #[test]
    fn depth_follows_the_environment_and_no_color_wins() {
        let detect = Depth::detect;
        assert_eq!(detect(Some("1"), Some("truecolor"), Some("xterm-256color")), Depth::None);
        assert_eq!(detect(Some(""), Some("truecolor"), None), Depth::True);
        assert_eq!(detect(None, None, Some("xterm-256color")), Depth::Indexed);
        assert_eq!(detect(None, None, Some("linux")), Depth::Sixteen);
    }

    #[test]
    fn a_broken_theme_says_what_is_wrong() {
        assert!(Theme::parse("[role]\ntext = \"bold\"", Depth::True, false).unwrap_err().0.contains("missing"));
        let all = NOCHE.replace("[role]", "[role]\nshiny = \"bold\"");
        assert!(Theme::parse(&all, Depth::True, false).unwrap_err().0.contains("shiny"));
    }

    #[test]
    fn grey_and_colour_find_their_place_in_256() {
        assert_eq!(nearest(255, 0, 0), 196);
        assert_eq!(nearest(128, 128, 128), 244);
        assert_eq!(nearest(0, 0, 0), 16);
    }
}
