// Package search says what can be searched of an entry and what a search means. It is pure: it knows no database.
//
// There are two kinds of search. Text looks for words in request, response and summary. PathFilter looks at the values that a
// path leads to in a payload. Each is defined once, by its Match on an entry, which is always right.
//
// # Terms
//
// An index cannot hold all that Match looks at. It holds terms: short texts of ASCII letters and digits that are made of an
// entry (Terms) and of a search (Text.Terms, PathFilter.Terms). Whenever a search matches an entry, the entry has all terms of
// the search. The reverse need not hold: words may be there in another order, long words are cut, paths and values are hashed.
// So an index says which entries may match, and Match says which of them do.
//
// An entry with more than MaxTerms terms, or MaxTermBytes of them, has none, and may match every search.
//
// Whoever changes which terms an entry has raises Version, and the index is made anew.
//
// # Words
//
// Texts are the names of members, strings, numbers and literals of both payloads, and the summary, each for itself. They are
// brought to NFC, folded (upper and lower case are the same) and segmented into words by Unicode (UAX #29), where punctuation
// inside a word, such as the dot of example.com and the underscore of chat_config, ends it as well. Only what has a letter or a
// digit is a word.
//
// # Values
//
// Strings are compared as they are stored, code point by code point, without folding or normalisation. Numbers are compared by
// value, however many digits they have: 1, 1.0 and 10e-1 are equal. Objects are equal whatever the order of their members.
package search
