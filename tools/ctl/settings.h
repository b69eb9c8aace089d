/* Words of the form KEY=VALUE, behind commands such as vif-add.
 *
 * Thread: one.  Owner: nothing is kept.
 * Errors: ctl_error() with one line that says what would be right.
 * Trust:  the words come from the command line. */

#ifndef TOOLS_CTL_SETTINGS_H
#define TOOLS_CTL_SETTINGS_H 1

#include "qos/profile.h"
#include "qos/rate_text.h"
#include "tools/ctl/ctl.h"

/* One key.  'canon' appends to 'text' what the database's parser of columns
 * reads, or reports an error.  With a null 'column' the command itself acts
 * on the word. */
struct setting {
    const char *key;
    const char *column;
    bool (*canon)(struct ctl_context *, const struct setting *,
                  const char *value, struct ds *text);
    int64_t min, max;                   /* For canon_integer. */
    bool optional;                      /* An empty value clears it. */

    /* If not null: what the value means, and 'column' is none. */
    bool (*limit)(const char *value, struct qos_profile *,
                  char error[QOS_TEXT_BYTES]);
};

bool canon_integer(struct ctl_context *, const struct setting *,
                   const char *, struct ds *);
bool canon_mac(struct ctl_context *, const struct setting *,
               const char *, struct ds *);
bool canon_rate(struct ctl_context *, const struct setting *,
                const char *, struct ds *);
bool canon_burst(struct ctl_context *, const struct setting *,
                 const char *, struct ds *);

/* A profile by its name. */
bool canon_profile(struct ctl_context *, const struct setting *,
                   const char *, struct ds *);

/* Appends a row's UUID, for columns that refer to one. */
void put_row(struct ds *, const struct ovsdb_idl_row *);

/* Appends 'value' in quotes, for columns that hold a text. */
void put_quoted(struct ds *, const char *);

/* The keys that VIFs and profiles share; ends with a null key. */
extern const struct setting limit_settings[];

/* The value that 'words' give to 'key', or null; the last one wins. */
const char *word_of(char *const words[], int n, const char *key);

/* Writes 'words' into 'row' of 'table', whose keys are 'settings' and, if not
 * null, 'more' (both end with a null key), and external_ids:KEY.  Returns
 * false after an error. */
bool apply_words(struct ctl_context *, const char *table,
                 const struct ovsdb_idl_row *row,
                 const struct setting *settings, const struct setting *more,
                 char *const words[], int n);

#endif /* tools/ctl/settings.h */
