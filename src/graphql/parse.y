%code top {
/* The grammar of GraphQL, September 2025: executable documents and type system documents.
 * Keywords are names too; what follows a definition without braces cannot be taken for one,
 * because a bare "{" after it always belongs to it (the shift of the conflicts expected below).
 * Called by gql_parse (parse.c). Diagnostics: one error for the first token that does not fit. */
#include "config.h"
#include <stdio.h>
#include <string.h>
}
%code requires {
#include "graphql/parse_priv.h"
#ifndef YY_TYPEDEF_YY_SCANNER_T
#define YY_TYPEDEF_YY_SCANNER_T
typedef void *yyscan_t;
#endif
}
%define api.pure full
%define api.prefix {gql_yy}
%define parse.error custom
%define api.location.type {struct gql_loc}
%locations
%define parse.lac full
%lex-param {yyscan_t scanner}
%parse-param {yyscan_t scanner} {struct parse_state *st}
%expect 5

%union {
    const char *name;
    struct gql_loc loc;
    struct { const char *text; size_t len; } string;
    struct ast_list list;
    struct ast_value *value;
    struct ast_type *type;
    struct ast_argument *argument;
    struct ast_directive *directive;
    struct ast_selection *selection;
    struct ast_input *input;
    struct ast_field_def *field;
    struct ast_name *name_node;
    struct ast_definition *definition;
    enum ast_definition_kind kind;
    bool flag;
}
%code provides {
int gql_yylex(GQL_YYSTYPE *value, struct gql_loc *loc, yyscan_t scanner);
}
%code {
#define YYLLOC_DEFAULT(cur, rhs, n) ((cur) = (n) ? YYRHSLOC(rhs, 1) : YYRHSLOC(rhs, 0))

/* The rules are recursive; one description is all there may be. */
#define DESCRIBE(result, node, text)                                                               \
    do {                                                                                           \
        if ((node)->description) {                                                                 \
            gql_yyerror(&yylloc, scanner, st, "syntax error: a second description");               \
            YYABORT;                                                                               \
        }                                                                                          \
        (result) = (node);                                                                         \
        (result)->description = (text);                                                            \
    } while (0)

static void gql_yyerror(struct gql_loc *loc, yyscan_t scanner, struct parse_state *st,
                        const char *message);

static struct ast_list one(void *node)
{
    return (struct ast_list){node, node};
}

/* Every node begins with its link. */
static struct ast_list add(struct ast_list list, void *node)
{
    if (!list.head)
        return one(node);
    *(void **)list.tail = node;
    list.tail = node;
    return list;
}

static void *node(struct parse_state *st, size_t size)
{
    return arena_alloc(st->arena, size);
}

static struct ast_value *value_new(struct parse_state *st, enum ast_value_kind kind,
                                   struct gql_loc loc, const char *text, size_t len)
{
    struct ast_value *v = node(st, sizeof(*v));

    v->kind = kind;
    v->loc = loc;
    v->text = text;
    v->len = len;
    return v;
}

static struct ast_definition *definition(struct parse_state *st, enum ast_definition_kind kind,
                                         struct gql_loc loc, const char *name)
{
    struct ast_definition *d = node(st, sizeof(*d));

    d->kind = kind;
    d->loc = loc;
    d->name = name;
    return d;
}

static struct ast_selection *field_new(struct parse_state *st, struct gql_loc loc, const char *key,
                                       const char *name)
{
    struct ast_selection *s = node(st, sizeof(*s));

    s->kind = AST_FIELD;
    s->loc = loc;
    s->key = key;
    s->name = name;
    return s;
}

static struct ast_name *name_new(struct parse_state *st, struct gql_loc loc, const char *name)
{
    struct ast_name *n = node(st, sizeof(*n));

    n->name = name;
    n->loc = loc;
    return n;
}
}

%token <name> NAME "name" QUERY "query" MUTATION "mutation" SUBSCRIPTION "subscription"
%token <name> FRAGMENT "fragment" ON "on" TRUE_ "true" FALSE_ "false" NULL_ "null"
%token <name> SCHEMA "schema" SCALAR "scalar" TYPE "type" INTERFACE "interface"
%token <name> IMPLEMENTS "implements" UNION "union" ENUM "enum" INPUT "input"
%token <name> DIRECTIVE "directive" EXTEND "extend" REPEATABLE "repeatable"
%token <string> INT_VALUE "integer" FLOAT_VALUE "float" STRING "string"
%token ELLIPSIS "..."

%type <name> name fragment_name enum_name opt_name description word
%type <list> definitions opt_variables variables opt_directives directives opt_arguments arguments
%type <list> selection_set selections opt_selection_set values object_fields
%type <list> opt_implements implements opt_fields fields opt_argument_defs inputs opt_members
%type <list> members opt_enum_values enum_values opt_inputs locations opt_operations operations
%type <value> value opt_default
%type <value> object_field
%type <type> type_ref
%type <argument> argument
%type <directive> directive
%type <selection> selection
%type <input> variable input_def
%type <field> field_def enum_value operation_type
%type <name_node> named location
%type <definition> definition executable type_system bare
%type <kind> operation
%type <flag> opt_repeatable
%type <loc> here

%%

document: definitions { st->document->definitions = $1.head; }

definitions: definition { $$ = one($1); }
    | definitions definition { $$ = add($1, $2); }

definition: executable
    | description executable { $$ = $2; $$->description = $1; $$->loc = @1; }
    | bare
    | type_system
    | description type_system { $$ = $2; $$->description = $1; $$->loc = @1; }
    | EXTEND type_system { $$ = $2; $$->extend = true; $$->loc = @1; }

/* The place of the token just shifted. */
here: %empty { $$ = @0; }

description: STRING { $$ = $1.text; }

/* --- executable ---------------------------------------------------------------------------- */

executable: operation here opt_name opt_variables opt_directives selection_set {
        $$ = definition(st, $1, $2, $3);
        $$->name_loc = @3;
        $$->inputs = $4.head;
        $$->directives = $5.head;
        $$->selections = $6.head;
    }
    | FRAGMENT here fragment_name ON name opt_directives selection_set {
        $$ = definition(st, AST_FRAGMENT, $2, $3);
        $$->name_loc = @3;
        $$->condition = $5;
        $$->condition_loc = @5;
        $$->directives = $6.head;
        $$->selections = $7.head;
    }

bare: selection_set {
        $$ = definition(st, AST_QUERY, @1, NULL);
        $$->selections = $1.head;
    }

operation: QUERY { $$ = AST_QUERY; }
    | MUTATION { $$ = AST_MUTATION; }
    | SUBSCRIPTION { $$ = AST_SUBSCRIPTION; }

opt_name: %empty { $$ = NULL; }
    | name

opt_variables: %empty { $$ = (struct ast_list){0}; }
    | '(' variables ')' { $$ = $2; }

variables: variable { $$ = one($1); }
    | variables variable { $$ = add($1, $2); }

variable: '$' here name ':' type_ref opt_default constant opt_directives {
        $$ = node(st, sizeof(*$$));
        $$->loc = $2;
        $$->name = $3;
        $$->name_loc = @3;
        $$->type = $5;
        $$->default_value = $6;
        $$->directives = $8.head;
        st->constant = false;
    }
    | description variable { DESCRIBE($$, $2, $1); }

opt_default: %empty { $$ = NULL; }
    | '=' constant value { $$ = $3; st->constant = false; }

/* From here on values hold no variable. */
constant: %empty { st->constant = true; }

selection_set: '{' selections '}' { $$ = $2; }

opt_selection_set: %empty { $$ = (struct ast_list){0}; }
    | selection_set

selections: selection { $$ = one($1); }
    | selections selection { $$ = add($1, $2); }

selection: name here opt_arguments opt_directives opt_selection_set {
        $$ = field_new(st, $2, $1, $1);
        $$->arguments = $3.head;
        $$->directives = $4.head;
        $$->selections = $5.head;
        $$->set_loc = @5;
    }
    | name ':' name opt_arguments opt_directives opt_selection_set {
        $$ = field_new(st, @1, $1, $3);
        $$->arguments = $4.head;
        $$->directives = $5.head;
        $$->selections = $6.head;
        $$->set_loc = @6;
    }
    | ELLIPSIS here fragment_name opt_directives {
        $$ = field_new(st, $2, NULL, $3);
        $$->kind = AST_SPREAD;
        $$->name_loc = @3;
        $$->directives = $4.head;
    }
    | ELLIPSIS here ON name opt_directives selection_set {
        $$ = field_new(st, $2, NULL, $4);
        $$->kind = AST_INLINE;
        $$->name_loc = @4;
        $$->directives = $5.head;
        $$->selections = $6.head;
    }
    | ELLIPSIS here opt_directives selection_set {
        $$ = field_new(st, $2, NULL, NULL);
        $$->kind = AST_INLINE;
        $$->directives = $3.head;
        $$->selections = $4.head;
    }

opt_arguments: %empty { $$ = (struct ast_list){0}; }
    | '(' arguments ')' { $$ = $2; }

arguments: argument { $$ = one($1); }
    | arguments argument { $$ = add($1, $2); }

argument: name here ':' value {
        $$ = node(st, sizeof(*$$));
        $$->name = $1;
        $$->loc = $2;
        $$->value = $4;
    }

opt_directives: %empty { $$ = (struct ast_list){0}; }
    | directives

directives: directive { $$ = one($1); }
    | directives directive { $$ = add($1, $2); }

directive: '@' here name opt_arguments {
        $$ = node(st, sizeof(*$$));
        $$->loc = $2;
        $$->name = $3;
        $$->arguments = $4.head;
        st->document->directives++;
    }

/* --- values and types ------------------------------------------------------------------------ */

value: '$' name {
        if (st->constant) {
            gql_yyerror(&@1, scanner, st, "syntax error: a variable cannot stand in a constant");
            YYABORT;
        }
        $$ = value_new(st, AST_VARIABLE, @1, $2, strlen($2));
    }
    | INT_VALUE { $$ = value_new(st, AST_INT, @1, $1.text, $1.len); }
    | FLOAT_VALUE { $$ = value_new(st, AST_FLOAT, @1, $1.text, $1.len); }
    | STRING { $$ = value_new(st, AST_STRING, @1, $1.text, $1.len); }
    | TRUE_ { $$ = value_new(st, AST_BOOLEAN, @1, $1, strlen($1)); }
    | FALSE_ { $$ = value_new(st, AST_BOOLEAN, @1, $1, strlen($1)); }
    | NULL_ { $$ = value_new(st, AST_NULL, @1, $1, strlen($1)); }
    | enum_name { $$ = value_new(st, AST_ENUM, @1, $1, strlen($1)); }
    | '[' ']' { $$ = value_new(st, AST_LIST, @1, "", 0); }
    | '[' values ']' {
        $$ = value_new(st, AST_LIST, @1, "", 0);
        $$->items = $2.head;
    }
    | '{' '}' { $$ = value_new(st, AST_OBJECT, @1, "", 0); }
    | '{' object_fields '}' {
        $$ = value_new(st, AST_OBJECT, @1, "", 0);
        $$->items = $2.head;
    }

values: value { $$ = one($1); }
    | values value { $$ = add($1, $2); }

object_fields: object_field { $$ = one($1); }
    | object_fields object_field { $$ = add($1, $2); }

object_field: name ':' value { $$ = $3; $$->field = $1; $$->field_loc = @1; }

type_ref: name {
        $$ = node(st, sizeof(*$$));
        $$->name = $1;
        $$->loc = @1;
    }
    | '[' type_ref ']' {
        $$ = node(st, sizeof(*$$));
        $$->of = $2;
        $$->loc = @1;
    }
    | name '!' {
        $$ = node(st, sizeof(*$$));
        $$->name = $1;
        $$->non_null = true;
        $$->loc = @1;
    }
    | '[' type_ref ']' '!' {
        $$ = node(st, sizeof(*$$));
        $$->of = $2;
        $$->non_null = true;
        $$->loc = @1;
    }

/* --- type system ----------------------------------------------------------------------------- */

type_system: SCHEMA here opt_directives opt_operations {
        $$ = definition(st, AST_SCHEMA, $2, NULL);
        $$->directives = $3.head;
        $$->fields = $4.head;
    }
    | SCALAR here name opt_directives {
        $$ = definition(st, AST_SCALAR, $2, $3);
        $$->directives = $4.head;
    }
    | TYPE here name opt_implements opt_directives opt_fields {
        $$ = definition(st, AST_TYPE, $2, $3);
        $$->names = $4.head;
        $$->directives = $5.head;
        $$->fields = $6.head;
    }
    | INTERFACE here name opt_implements opt_directives opt_fields {
        $$ = definition(st, AST_INTERFACE, $2, $3);
        $$->names = $4.head;
        $$->directives = $5.head;
        $$->fields = $6.head;
    }
    | UNION here name opt_directives opt_members {
        $$ = definition(st, AST_UNION, $2, $3);
        $$->directives = $4.head;
        $$->names = $5.head;
    }
    | ENUM here name opt_directives opt_enum_values {
        $$ = definition(st, AST_ENUM_TYPE, $2, $3);
        $$->directives = $4.head;
        $$->fields = $5.head;
    }
    | INPUT here name opt_directives opt_inputs {
        $$ = definition(st, AST_INPUT_TYPE, $2, $3);
        $$->directives = $4.head;
        $$->inputs = $5.head;
    }
    | DIRECTIVE here '@' name opt_argument_defs opt_repeatable ON locations {
        $$ = definition(st, AST_DIRECTIVE_DEF, $2, $4);
        $$->inputs = $5.head;
        $$->repeatable = $6;
        $$->names = $8.head;
    }

opt_operations: %empty { $$ = (struct ast_list){0}; }
    | '{' operations '}' { $$ = $2; }

operations: operation_type { $$ = one($1); }
    | operations operation_type { $$ = add($1, $2); }

operation_type: operation here ':' type_ref {
        $$ = node(st, sizeof(*$$));
        $$->name = $1 == AST_QUERY ? "query" : $1 == AST_MUTATION ? "mutation" : "subscription";
        $$->loc = $2;
        $$->type = $4;
    }

opt_implements: %empty { $$ = (struct ast_list){0}; }
    | IMPLEMENTS implements { $$ = $2; }
    | IMPLEMENTS '&' implements { $$ = $3; }

implements: named { $$ = one($1); }
    | implements '&' named { $$ = add($1, $3); }

named: name { $$ = name_new(st, @1, $1); }

opt_fields: %empty { $$ = (struct ast_list){0}; }
    | '{' fields '}' { $$ = $2; }

fields: field_def { $$ = one($1); }
    | fields field_def { $$ = add($1, $2); }

field_def: name here opt_argument_defs ':' type_ref opt_directives {
        $$ = node(st, sizeof(*$$));
        $$->name = $1;
        $$->loc = $2;
        $$->arguments = $3.head;
        $$->type = $5;
        $$->directives = $6.head;
    }
    | description field_def { DESCRIBE($$, $2, $1); }

opt_argument_defs: %empty { $$ = (struct ast_list){0}; }
    | '(' inputs ')' { $$ = $2; }

inputs: input_def { $$ = one($1); }
    | inputs input_def { $$ = add($1, $2); }

input_def: name here ':' type_ref opt_default opt_directives {
        $$ = node(st, sizeof(*$$));
        $$->name = $1;
        $$->loc = $2;
        $$->type = $4;
        $$->default_value = $5;
        $$->directives = $6.head;
    }
    | description input_def { DESCRIBE($$, $2, $1); }

opt_inputs: %empty { $$ = (struct ast_list){0}; }
    | '{' inputs '}' { $$ = $2; }

opt_members: %empty { $$ = (struct ast_list){0}; }
    | '=' members { $$ = $2; }
    | '=' '|' members { $$ = $3; }

members: named { $$ = one($1); }
    | members '|' named { $$ = add($1, $3); }

opt_enum_values: %empty { $$ = (struct ast_list){0}; }
    | '{' enum_values '}' { $$ = $2; }

enum_values: enum_value { $$ = one($1); }
    | enum_values enum_value { $$ = add($1, $2); }

enum_value: enum_name here opt_directives {
        $$ = node(st, sizeof(*$$));
        $$->name = $1;
        $$->loc = $2;
        $$->directives = $3.head;
    }
    | description enum_value { DESCRIBE($$, $2, $1); }

opt_repeatable: %empty { $$ = false; }
    | REPEATABLE { $$ = true; }

locations: location { $$ = one($1); }
    | '|' location { $$ = one($2); }
    | locations '|' location { $$ = add($1, $3); }

location: NAME { $$ = name_new(st, @1, $1); }

/* --- names ----------------------------------------------------------------------------------- */

word: NAME | QUERY | MUTATION | SUBSCRIPTION | FRAGMENT | SCHEMA | SCALAR | TYPE | INTERFACE
    | IMPLEMENTS | UNION | ENUM | INPUT | DIRECTIVE | EXTEND | REPEATABLE

name: word | ON | TRUE_ | FALSE_ | NULL_

fragment_name: word | TRUE_ | FALSE_ | NULL_

enum_name: word | ON

%%

static void gql_yyerror(struct gql_loc *loc, yyscan_t scanner, struct parse_state *st,
                        const char *message)
{
    (void)scanner;
    st->failed = true;
    gql_error_add(st->errors, "GRAPHQL_PARSE_FAILED", *loc, "%s", message);
}

static int yyreport_syntax_error(const yypcontext_t *ctx, yyscan_t scanner,
                                 struct parse_state *st)
{
    enum { SHOWN = 5 };
    yysymbol_kind_t expected[SHOWN];
    yysymbol_kind_t found = yypcontext_token(ctx);
    char text[256] = "";
    int n;

    (void)scanner;
    if (st->failed)
        return 0;
    st->failed = true;
    n = yypcontext_expected_tokens(ctx, expected, SHOWN);
    for (int i = 0; i < n; i++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used, "%s%s", i == 0 ? ", expected " : " or ",
                 yysymbol_name(expected[i]));
    }
    gql_error_add(st->errors, "GRAPHQL_PARSE_FAILED", *yypcontext_location(ctx), "syntax error: unexpected %s%s",
                  found == YYSYMBOL_YYEOF ? "end of the document" : yysymbol_name(found), text);
    return 0;
}
