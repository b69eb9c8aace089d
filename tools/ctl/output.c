/* What the commands print. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "table.h"
#include "util.h"

static void
print_oneline(struct ds *text)
{
    ds_chomp(text, '\n');
    for (size_t i = 0; i < text->length; i++) {
        switch (text->string[i]) {
        case '\n':
            fputs("\\n", stdout);
            break;
        case '\\':
            fputs("\\\\", stdout);
            break;
        default:
            putchar(text->string[i]);
        }
    }
    putchar('\n');
}

void
ctl_print_output(struct ctl_command *commands, size_t n)
{
    for (struct ctl_command *c = commands; c < &commands[n]; c++) {
        if (c->table) {
            struct table_style style = ctl_opts.style;
            const char *dash = strrchr(c->syntax->name, '-');

            /* Our own lists have short rows: a table reads better. */
            if (!ctl_opts.format_set && dash && !strcmp(dash, "-list")) {
                style.format = TF_TABLE;
            }
            table_print(c->table, &style);
        } else if (ctl_opts.oneline) {
            print_oneline(&c->output);
        } else {
            fputs(ds_cstr(&c->output), stdout);
        }
    }
}

void
ctl_free_output(struct ctl_command *commands, size_t n)
{
    for (struct ctl_command *c = commands; c < &commands[n]; c++) {
        ds_destroy(&c->output);
        table_destroy(c->table);
        free(c->table);
    }
}
