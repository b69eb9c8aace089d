/* Lists: a table whose cells are text for people and numbers for programs. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include "openvswitch/json.h"
#include "qos/rate_text.h"
#include "util.h"

static bool
for_programs(void)
{
    return ctl_opts.style.format == TF_JSON || ctl_opts.style.format == TF_CSV;
}

void
list_begin(struct ctl_context *ctx, const char *const headings[])
{
    ctx->table = xmalloc(sizeof *ctx->table);
    table_init(ctx->table);
    for (; *headings; headings++) {
        table_add_column(ctx->table, "%s", *headings);
    }
}

void
list_row(struct ctl_context *ctx)
{
    table_add_row(ctx->table);
}

void
list_text(struct ctl_context *ctx, const char *text)
{
    struct cell *cell = table_add_cell(ctx->table);

    if (text) {
        cell->text = xstrdup(text);
    } else if (ctl_opts.style.format != TF_JSON) {
        cell->text = xstrdup("");
    }
}

void
list_integer(struct ctl_context *ctx, const int64_t *number)
{
    if (number && for_programs()) {
        table_add_cell(ctx->table)->json = json_integer_create(*number);
    } else if (number) {
        table_add_cell(ctx->table)->text = xasprintf("%"PRId64, *number);
    } else {
        list_text(ctx, NULL);
    }
}

void
list_rate(struct ctl_context *ctx, const int64_t *bps)
{
    char text[QOS_TEXT_BYTES];

    if (!bps || for_programs()) {
        list_integer(ctx, bps);
    } else {
        qos_rate_format(*bps, text);
        list_text(ctx, text);
    }
}
