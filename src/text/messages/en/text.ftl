# Languages
language-ill-formed = “{ $tag }” is not a language tag. Write one such as en, fr or fr-CA.

# Texts
text-blank = The text is empty. Write at least one word, or leave the field out.
text-too-long = The text has { $length } characters and the limit is { $max }. Please shorten it.
text-control-character = The text holds an invisible control character, or a line break or tab where only one line fits. Remove it, for instance by typing the text again.
text-language-twice = The language “{ $tag }” is given twice. Keep one text for each language.

# Dates
date-ill-formed = “{ $text }” is not a date the hub can read. Write a year, month or day such as 2018, 2018-04 or 2018-04-30, add ~ for “about” or ? for “uncertain”, or write a period such as 2018/2020, or 2018/.. if it goes on.
date-year-too-far = “{ $text }” names a year beyond the calendar, which runs from -262143 to 262142. Write a year within it, or put the date in words in the label.
date-backwards = The period “{ $text }” ends before it begins. Put the earlier date first.
date-empty = The date is empty. Give a date such as 2018-04, or the source’s own words as the label, or leave the field out.

# Counts
count-impossible = These numbers do not make a count. EXACT takes the same number as min and max, ABOUT takes both, AT_LEAST takes min alone, and NEARLY takes max; none may be negative or above 2147483647, and min may not exceed max.

# Identifiers and addresses
orcid-wrong = “{ $value }” is not an ORCID iD, or a digit is mistyped. Copy it from the person’s ORCID page; it looks like 0000-0002-1825-0097.
doi-ill-formed = “{ $value }” is not a DOI. Copy it from doi.org; it looks like 10.1000/182.
ror-wrong = “{ $value }” is not a ROR id, or a character is mistyped. Copy it from the organization’s page at ror.org; it looks like 03yrm5c26.
region-ill-formed = “{ $value }” is not a region code. Write the country, a hyphen and the region, such as CA-ON.
country-ill-formed = “{ $value }” is not a country code. Write two letters, such as CA or FR.
slug-ill-formed = “{ $value }” cannot be part of an address. Write up to 80 lower-case letters a to z and digits, with single hyphens between words, such as grief-support.
web-address-ill-formed = “{ $value }” is not a web address the hub can use. Write it in full, starting with https:// or http://, without spaces, user name or password, and with at most 2000 characters.
email-ill-formed = “{ $value }” is not an e-mail address. Write one such as info@example.org.
phone-ill-formed = “{ $value }” is not a phone number. Write digits, spaces and the signs + ( ) - . with an extension after x, ext or poste if there is one, at most 40 characters in all.
