//! Texts that are cut where what takes them has a bound.

use std::borrow::Cow;

/// What a person reads of a list.
const LISTED: usize = 10;

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
    let mut words = words.into_iter();
    let first: Vec<&str> = words.by_ref().take(LISTED).collect();
    match (first.is_empty(), words.count()) {
        (true, _) => "nothing".to_owned(),
        (false, 0) => first.join(", "),
        (false, more) => format!("{} and {more} more", first.join(", ")),
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
    fn of_a_long_list_ten_are_named_and_the_others_counted() {
        let words: Vec<String> = (0..12).map(|n| n.to_string()).collect();
        let words = || words.iter().map(String::as_str);
        assert_eq!(listed(words().take(0)), "nothing");
        assert_eq!(listed(words().take(2)), "0, 1");
        assert_eq!(listed(words()), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more");
    }
}
