//! The lexical tokens of a document, counted before it is parsed.

/// What a document is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// How many there are. What is no token of GraphQL counts as one for each byte: the parser refuses it.
    pub count: u64,
    /// How many brackets are open at once, at the most.
    pub nesting: u64,
}

/// Looks at the tokens of a document.
pub fn of(document: &str) -> Tokens {
    let bytes = document.as_bytes();
    let (mut at, mut open, mut tokens) = (0, 0_u64, Tokens::default());
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' | b'(' => {
                open = open.saturating_add(1);
                tokens.nesting = tokens.nesting.max(open);
            }
            b'}' | b']' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
        at = match byte {
            // Blanks, commas, and the parts of a byte order mark.
            b' ' | b'\t' | b'\n' | b'\r' | b',' | 0xEF | 0xBB | 0xBF => {
                at = at.saturating_add(1);
                continue;
            }
            b'#' => {
                at = end(bytes, at, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'"' => end_of_string(bytes, at),
            b'.' if bytes.get(at..).is_some_and(|rest| rest.starts_with(b"...")) => at.saturating_add(3),
            byte if is_of_word(byte) || byte == b'-' => end(bytes, at.saturating_add(1), is_of_number),
            _ => at.saturating_add(1),
        };
        tokens.count = tokens.count.saturating_add(1);
    }
    tokens
}

/// Names and numbers are alike here: a sign, a point and an exponent only follow digits in what the parser takes.
fn is_of_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn is_of_number(byte: u8) -> bool {
    is_of_word(byte)
}

fn end(bytes: &[u8], from: usize, is_within: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from.saturating_add(rest.iter().position(|byte| !is_within(*byte)).unwrap_or(rest.len()))
}

/// Where the string ends that begins here; one that does not end takes the rest.
fn end_of_string(bytes: &[u8], from: usize) -> usize {
    let is_block = bytes.get(from..).is_some_and(|rest| rest.starts_with(b"\"\"\""));
    let mut at = from.saturating_add(if is_block { 3 } else { 1 });
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        at = match rest {
            [b'\\', b'"', b'"', b'"', ..] if is_block => at.saturating_add(4),
            [b'"', b'"', b'"', ..] if is_block => return at.saturating_add(3),
            [b'\\', _, ..] if !is_block => at.saturating_add(2),
            [b'"', ..] if !is_block => return at.saturating_add(1),
            _ => at.saturating_add(1),
        };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(document: &str) -> u64 {
        of(document).count
    }

    #[test]
    fn names_numbers_strings_and_signs_are_one_token_each() {
        assert_eq!(count(""), 0);
        assert_eq!(count(" , \n\t # { a b c }\n"), 0);
        assert_eq!(count("{ a }"), 3);
        assert_eq!(count("{...f}"), 4);
        assert_eq!(count("query Q($n: Int = -12) { a(first: $n) @x }"), 21);
        assert_eq!(count("{ a(b: \"c } \\\" d\") }"), 8);
        assert_eq!(count("{ a(b: \"\"\"c \" \\\"\"\" d\"\"\") }"), 8);
        assert_eq!(count("{ é }"), 4, "what is no token counts for each byte");
        assert_eq!(count("\u{FEFF}{ a }"), 3);
    }

    #[test]
    fn brackets_count_while_they_are_open() {
        assert_eq!(of("{ a(b: [[1], [2]]) { c } }").nesting, 4);
        assert_eq!(of("{ a(b: \"{[(\") # {{{\n }").nesting, 2);
        assert_eq!(of("}}}{").nesting, 1);
    }

    #[test]
    fn what_does_not_end_is_one_token() {
        assert_eq!(count("{ a(b: \"c"), 6);
        assert_eq!(count("{ a(b: \"\"\"c\\\""), 6);
        assert_eq!(count(&"{".repeat(50_000)), 50_000);
    }
}
