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

const (
	// unlisted is the term of an entry that has too many.
	unlisted = "x"
	// unlistedErased is one more of an entry that a trigger on PostgreSQL has made so.
	unlistedErased = "e"
)

// positionBits is how many bits of a rowid in SQLite's index are the position. The account's number is above them.
const positionBits = 40

// IndexTerm is a term of ASCII small letters and digits, that begins with a letter, or with Prefix, the beginning of one.
type IndexTerm struct {
	Text   string
	Prefix bool
}

// EntryTerms are the terms of an entry. With Unlisted it has none and is found by every search. Erased tells that the terms are
// those of an entry without payloads.
type EntryTerms struct {
	Position         int64
	Terms            []string
	Unlisted, Erased bool
}

// SearchGap is what of an account's journal is not in the index of searches: entries from a position, included, to another,
// excluded.
type SearchGap struct{ AccountID, From, To int64 }

// SearchGaps returns the gaps of all accounts that have one, for terms of this version. Accounts whose index is of a later one
// are left to the servers that know it.
func (s *Store) SearchGaps(ctx context.Context, version int) (gaps []SearchGap, err error) {
	rows, err := s.read.QueryContext(ctx, s.bind(`SELECT h.account_id, CASE WHEN s.version = ? THEN s.size ELSE 0 END, h.size
		FROM heads AS h LEFT JOIN entry_search_heads AS s ON s.account_id = h.account_id
		WHERE s.account_id IS NULL AND h.size > 0 OR s.version < ? OR s.version = ? AND s.size < h.size
		ORDER BY h.account_id`), version, version, version)
	if err != nil {
		return nil, fmt.Errorf("read what is not indexed: %w", translate(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var gap SearchGap
		if err := rows.Scan(&gap.AccountID, &gap.From, &gap.To); err != nil {
			return nil, translate(err)
		}
		gaps = append(gaps, gap)
	}
	return gaps, translate(rows.Err())
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

// ResetSearch makes the index one in which nothing is known to be. What is in it on PostgreSQL is replaced as it is filled again.
func (s *Store) ResetSearch(ctx context.Context) error {
	err := s.inSearchTx(ctx, func(tx *sql.Tx) error {
		if s.dialect == dialect.SQLite {
			if _, err := tx.ExecContext(ctx, `INSERT INTO entry_terms (entry_terms) VALUES ('delete-all')`); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE entry_search_heads SET size = 0`)
		return err
	})
	if err != nil {
		return fmt.Errorf("reset the index of searches: %w", err)
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

// lockSearchHead keeps others from indexing entries of the account until the transaction ends. An index of an earlier version
// counts for none; one of a later version is left alone.
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
	switch {
	case found > int64(version):
		return 0, fmt.Errorf("%w: to version %d", ErrIndexMoved, found)
	case found < int64(version):
		size = 0
	}
	return size, err
}

// indexPostgres adds terms. Of an entry that was erased after it was read, which a trigger of entries has made unlisted, it adds
// none.
func (s *Store) indexPostgres(ctx context.Context, tx *sql.Tx, accountID int64, entries []EntryTerms) error {
	account := strconv.FormatInt(accountID, 10)
	positions, terms, erased := make([]int64, len(entries)), make([]string, len(entries)), []int64{}
	for i := range entries {
		positions[i], terms[i] = entries[i].Position, entries[i].lexemes(accountID)
		if entries[i].Erased {
			erased = append(erased, entries[i].Position)
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO entry_terms AS t (account_id, position, terms)
		SELECT $1, e.position, array_to_tsvector(string_to_array(e.terms, ' '))
		FROM unnest($2::bigint[], $3::text[]) AS e (position, terms)
		ON CONFLICT (account_id, position) DO UPDATE SET terms = excluded.terms
		WHERE t.terms <> array_to_tsvector(ARRAY[$4::text, $5::text]) OR t.position = ANY ($6::bigint[])`,
		accountID, positions, terms, account+unlistedErased, account+unlisted, erased)
	return err
}

func (s *Store) indexSQLite(ctx context.Context, tx *sql.Tx, accountID int64, entries []EntryTerms) error {
	erased, err := erasedAmong(ctx, tx, accountID, entries)
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO entry_terms (rowid, terms) VALUES (?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for i := range entries {
		e := &entries[i]
		if erased[e.Position] && !e.Erased { // since it was read
			e = &EntryTerms{Position: e.Position, Unlisted: true}
		}
		if _, err := insert.ExecContext(ctx, accountID<<positionBits|e.Position, e.lexemes(accountID)); err != nil {
			return err
		}
	}
	return nil
}

// erasedAmong returns the positions of entries that are erased, by now. Entries follow each other.
func erasedAmong(ctx context.Context, tx *sql.Tx, accountID int64, entries []EntryTerms) (map[int64]bool, error) {
	if len(entries) == 0 {
		return nil, nil //nolint:nilnil // none is a valid answer
	}
	rows, err := tx.QueryContext(ctx, `SELECT position FROM erasures WHERE account_id = ? AND position BETWEEN ? AND ?`,
		accountID, entries[0].Position, entries[len(entries)-1].Position)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	erased := map[int64]bool{}
	for rows.Next() {
		var position int64
		if err := rows.Scan(&position); err != nil {
			return nil, err
		}
		erased[position] = true
	}
	return erased, rows.Err()
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
		if sqlite {
			b.Ident(position).WriteString(" IN (SELECT rowid & " + strconv.FormatInt(1<<positionBits-1, 10) + " FROM entry_terms")
			b.WriteString(" WHERE entry_terms MATCH ")
			b.Arg(matchQuery(accountID, terms, `"`, `" *`, " AND ", " OR "))
			b.WriteString(" AND rowid >= ").Arg(accountID << positionBits)
			b.WriteString(" AND rowid < ").Arg((accountID + 1) << positionBits)
		} else {
			// An array, unlike a subquery after IN, is made first: else a planner that takes the term for a common one would walk
			// through the journal in the order that is asked for, and find one entry at the end of it.
			b.Ident(position).WriteString(" = ANY (ARRAY(SELECT t.position FROM entry_terms AS t WHERE t.account_id = ").Arg(accountID)
			b.WriteString(" AND t.terms @@ CAST(CAST(").Arg(matchQuery(accountID, terms, "'", "':*", " & ", " | "))
			b.WriteString(" AS text) AS tsquery)")
		}
		b.WriteString(" UNION ALL SELECT u.position FROM entries AS u WHERE u.account_id = ").Arg(accountID)
		b.WriteString(" AND u.position >= COALESCE((SELECT h.size FROM entry_search_heads AS h WHERE h.account_id = ").Arg(accountID)
		b.WriteString(" AND h.version = ").Arg(version).WriteString("), 0))")
		if !sqlite {
			b.WriteString(")")
		}
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
