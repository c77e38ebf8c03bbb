//! Templates: a text with `{{names}}` in it, each of which stands for a part of the document.

/// Fills a template. Parts are put in as they are: what stands in them is not looked through again.
///
/// # Errors
/// The first name that is no part.
pub fn fill(template: &str, parts: &[(&str, String)]) -> Result<String, String> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        let name = name.trim();
        let (_, part) = parts.iter().find(|(n, _)| *n == name).ok_or_else(|| name.to_owned())?;
        out.push_str(before);
        out.push_str(part);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_put_in_once() {
        let parts = [("a", "{{b}} <1>".to_owned()), ("b", "2".to_owned())];
        assert_eq!(fill("x {{a}} y {{ b }} {{", &parts).unwrap(), "x {{b}} <1> y 2 {{");
        assert_eq!(fill("{{nobody}}", &parts), Err("nobody".to_owned()));
    }
}
