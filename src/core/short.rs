//! Texts that are cut where what takes them has a bound.

use std::borrow::Cow;

/// As much of a list as is named, in bytes: the forty permissions of a whole API, in a sentence that fits into an event.
const LISTED: usize = 800;

/// The text, cut to this many bytes.
pub fn short(text: &str, most: usize) -> Cow<'_, str> {
    const END: &str = "…";
    if text.len() <= most {
        return text.into();
    }
    let kept = text.floor_char_boundary(most.saturating_sub(END.len()));
    format!("{}{END}", &text[..kept]).into()
}

/// The first of them in a sentence, and how many more there are.
pub fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let (mut named, mut more) = (String::new(), 0);
    for word in words {
        match named.len() + word.len() {
            _ if named.is_empty() => named.push_str(word),
            length if more == 0 && length < LISTED => named = format!("{named}, {word}"),
            _ => more += 1,
        }
    }
    match (named.is_empty(), more) {
        (true, _) => "nothing".to_owned(),
        (false, 0) => named,
        (false, more) => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_cut_fits_ends_with_a_sign_and_has_no_half_character() {
        assert_eq!(short("twelve bytes", 12), "twelve bytes");
        assert_eq!(short("twelve bytes", 11), "twelve b…");
        for most in 3..20 {
            let text = "żółć".repeat(5);
            let cut = short(&text, most);
            assert!(cut.len() <= most && cut.ends_with('…'), "{cut}");
        }
    }

    #[test]
    fn of_a_long_list_as_many_are_named_as_fit_and_the_others_counted() {
        let words: Vec<String> = (0..60).map(|n| format!("{n:018}")).collect();
        let words = || words.iter().map(String::as_str);
        assert_eq!(listed(words().take(0)), "nothing");
        let both = words().take(2).collect::<Vec<_>>().join(", ");
        assert_eq!(listed(words().take(2)), both);
        let whole = words().take(40).collect::<Vec<_>>().join(", ");
        assert_eq!(listed(words().take(40)), whole, "a whole API's");
        assert_eq!(listed(words()), format!("{whole} and 20 more"));
    }
}
