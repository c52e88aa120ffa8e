package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"samjournal/ent/entry"
)

// ErrIndexMoved says that somebody else has indexed these entries, or begun anew.
var ErrIndexMoved = errors.New("the index of searches has moved")

// unlisted is the term of an entry that has too many.
const unlisted = "x"

// positionBits is how many bits of a rowid in SQLite's index are the position. The account's number is above them.
const positionBits = 40

// IndexTerm is a term of ASCII small letters and digits, that begins with a letter, or with Prefix, the beginning of one.
type IndexTerm struct {
	Text   string
	Prefix bool
}

// EntryTerms are the terms of an entry. With Unlisted it has none and is found by every search.
type EntryTerms struct {
	Position int64
	Terms    []string
	Unlisted bool
}

// SearchIndexed returns how many entries of an account, from the first on, are in the index of searches with terms of this
// version.
func (s *Store) SearchIndexed(ctx context.Context, accountID int64, version int) (size int64, err error) {
	err = s.read.QueryRowContext(ctx, s.bind(`SELECT size FROM entry_search_heads WHERE account_id = ? AND version = ?`),
		accountID, version).Scan(&size)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read how much of account %d is indexed: %w", accountID, translate(err))
	}
	return size, nil
}

// IndexTerms adds the terms of entries to the index of searches, in one transaction with how far it goes: from the entry at
// position `from`, which is how many there are, to all of these, which follow each other. ErrIndexMoved when there are more or
// less.
func (s *Store) IndexTerms(ctx context.Context, accountID int64, version int, from int64, entries []EntryTerms) error {
	err := s.inSearchTx(ctx, func(tx *sql.Tx) error {
		size, err := s.lockSearchHead(ctx, tx, accountID, version)
		if err != nil {
			return err
		}
		if size != from {
			return fmt.Errorf("%w: %d entries, not %d", ErrIndexMoved, size, from)
		}
		write := s.indexSQLite
		if s.dialect == dialect.Postgres {
			write = s.indexPostgres
		}
		if err := write(ctx, tx, accountID, entries); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, s.bind(`UPDATE entry_search_heads SET version = ?, size = ? WHERE account_id = ?`),
			version, from+int64(len(entries)), accountID)
		return err
	})
	if err != nil {
		return fmt.Errorf("index %d entries of account %d: %w", len(entries), accountID, err)
	}
	return nil
}

// ResetSearch makes the index of an account one of which nothing is known. What is in it is replaced as it is filled again.
func (s *Store) ResetSearch(ctx context.Context, accountID int64) error {
	_, err := s.change(ctx, `UPDATE entry_search_heads SET size = 0 WHERE account_id = ?`, accountID)
	if err != nil {
		return fmt.Errorf("reset the index of account %d: %w", accountID, err)
	}
	return nil
}

func (s *Store) inSearchTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	if err := f(tx); err != nil {
		return errors.Join(translate(err), ignoreDone(tx.Rollback()))
	}
	return translate(tx.Commit())
}

// lockSearchHead keeps others from indexing entries of the account until the transaction ends. An index of another version counts
// for none.
func (s *Store) lockSearchHead(ctx context.Context, tx *sql.Tx, accountID int64, version int) (int64, error) {
	_, err := tx.ExecContext(ctx, s.bind(`INSERT INTO entry_search_heads (account_id, version, size) VALUES (?, ?, 0)
		ON CONFLICT (account_id) DO NOTHING`), accountID, version)
	if err != nil {
		return 0, err
	}
	lock := ""
	if s.dialect == dialect.Postgres {
		lock = " FOR UPDATE"
	}
	var size, found int64
	err = tx.QueryRowContext(ctx, s.bind(`SELECT size, version FROM entry_search_heads WHERE account_id = ?`+lock), accountID).
		Scan(&size, &found)
	if found != int64(version) {
		size = 0
	}
	return size, err
}

func (s *Store) indexPostgres(ctx context.Context, tx *sql.Tx, accountID int64, entries []EntryTerms) error {
	positions, terms := make([]int64, len(entries)), make([]string, len(entries))
	for i := range entries {
		positions[i], terms[i] = entries[i].Position, entries[i].lexemes(accountID)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO entry_terms (account_id, position, terms)
		SELECT $1, e.position, array_to_tsvector(string_to_array(e.terms, ' '))
		FROM unnest($2::bigint[], $3::text[]) AS e (position, terms)
		ON CONFLICT (account_id, position) DO UPDATE SET terms = excluded.terms`, accountID, positions, terms)
	return err
}

func (s *Store) indexSQLite(ctx context.Context, tx *sql.Tx, accountID int64, entries []EntryTerms) error {
	insert, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO entry_terms (rowid, terms) VALUES (?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for i := range entries {
		_, err := insert.ExecContext(ctx, accountID<<positionBits|entries[i].Position, entries[i].lexemes(accountID))
		if err != nil {
			return err
		}
	}
	return nil
}

// lexemes are the terms with their account, apart by spaces.
func (e *EntryTerms) lexemes(accountID int64) string {
	account := strconv.FormatInt(accountID, 10)
	if e.Unlisted {
		return account + unlisted
	}
	var b strings.Builder
	for i, term := range e.Terms {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(account + term)
	}
	return b.String()
}

// MatchTerms is a condition on entries of an account: that they have all of the terms, of which there is at least one, or that it
// is not known, because they are not in the index yet or have too many.
func MatchTerms(s *entsql.Selector, accountID int64, version int, terms []IndexTerm) *entsql.Predicate {
	sqlite := s.Dialect() == dialect.SQLite
	position := s.C(entry.FieldPosition)
	return entsql.P(func(b *entsql.Builder) {
		b.Ident(position).WriteString(" IN (")
		if sqlite {
			b.WriteString("SELECT rowid & " + strconv.FormatInt(1<<positionBits-1, 10) + " FROM entry_terms WHERE entry_terms MATCH ")
			b.Arg(matchQuery(accountID, terms, `"`, `" *`, " AND ", " OR "))
			b.WriteString(" AND rowid >= ").Arg(accountID << positionBits)
			b.WriteString(" AND rowid < ").Arg((accountID + 1) << positionBits)
		} else {
			b.WriteString("SELECT t.position FROM entry_terms AS t WHERE t.account_id = ").Arg(accountID)
			b.WriteString(" AND t.terms @@ CAST(CAST(").Arg(matchQuery(accountID, terms, "'", "':*", " & ", " | "))
			b.WriteString(" AS text) AS tsquery)")
		}
		b.WriteString(" UNION ALL SELECT u.position FROM entries AS u WHERE u.account_id = ").Arg(accountID)
		b.WriteString(" AND u.position >= COALESCE((SELECT h.size FROM entry_search_heads AS h WHERE h.account_id = ").Arg(accountID)
		b.WriteString(" AND h.version = ").Arg(version).WriteString("), 0))")
	})
}

// matchQuery writes a query in a database's words. Terms have no character that means something there.
func matchQuery(accountID int64, terms []IndexTerm, quote, prefix, and, or string) string {
	account := strconv.FormatInt(accountID, 10)
	parts := make([]string, len(terms))
	for i, term := range terms {
		end := quote
		if term.Prefix {
			end = prefix
		}
		parts[i] = quote + account + term.Text + end
	}
	return "(" + strings.Join(parts, and) + ")" + or + quote + account + unlisted + quote
}
