/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The printer for PDF: A4, pango for the words, cairo for the pages. A page is laid down when its parts
 * are known, so that each can say how many there are; for that the document is set twice.
 */
#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <string.h>

#include "document/internal.h"

/* Points: 72 to the inch. */
#define PAGE_WIDTH  595.28
#define PAGE_HEIGHT 841.89
#define MARGIN      62.0
#define TEXT_WIDTH  (PAGE_WIDTH - 2 * MARGIN)
#define TEXT_BOTTOM (PAGE_HEIGHT - MARGIN - 22.0)
#define NAME_COLUMN 150.0
#define CELL_GAP    6.0
#define FONT        "DejaVu Sans"
#define FONT_FIXED  "DejaVu Sans Mono"

struct setting {
    const struct document *document;
    cairo_t *cairo;
    PangoLayout *layout;
    struct oft_buffer *out;
    int page, pages; /* pages: 0 while they are counted */
    double y;
};

static cairo_status_t bytes_out(void *context, const unsigned char *data, unsigned length)
{
    struct oft_buffer *out = context;
    oft_buffer_append(out, data, length);
    return out->failed ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

/* Makes the layout hold TEXT in FAMILY of SIZE points, WIDTH wide; its height. */
static double lay(struct setting *s, const char *family, double size, bool bold, double width,
                  const char *text)
{
    int height;
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family(font, family);
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(s->layout, font);
    pango_font_description_free(font);
    pango_layout_set_width(s->layout, (int)(width * PANGO_SCALE));
    pango_layout_set_wrap(s->layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(s->layout, PANGO_ALIGN_LEFT);
    pango_layout_set_spacing(s->layout, (int)(size * 0.25 * PANGO_SCALE));
    /* A hash that is broken stays what it is: no hyphen is put into it. */
    PangoAttrList *attributes = pango_attr_list_new();
    pango_attr_list_insert(attributes, pango_attr_insert_hyphens_new(FALSE));
    pango_layout_set_attributes(s->layout, attributes);
    pango_attr_list_unref(attributes);
    pango_layout_set_text(s->layout, text, -1);
    pango_layout_get_size(s->layout, NULL, &height);
    return (double)height / PANGO_SCALE;
}

static void put(struct setting *s, double x, double y, double grey)
{
    cairo_set_source_rgb(s->cairo, grey, grey, grey);
    cairo_move_to(s->cairo, x, y);
    pango_cairo_show_layout(s->cairo, s->layout);
}

static void rule(struct setting *s, double y)
{
    cairo_set_source_rgb(s->cairo, 0.7, 0.7, 0.7);
    cairo_set_line_width(s->cairo, 0.5);
    cairo_move_to(s->cairo, MARGIN, y);
    cairo_line_to(s->cairo, PAGE_WIDTH - MARGIN, y);
    cairo_stroke(s->cairo);
}

static void page_begin(struct setting *s)
{
    s->page++;
    s->y = MARGIN;
    if (s->document->banner[0] != '\0') {
        double height = lay(s, FONT, 9, true, TEXT_WIDTH, s->document->banner);
        pango_layout_set_alignment(s->layout, PANGO_ALIGN_CENTER);
        put(s, MARGIN, MARGIN - 24, 0.35);
        s->y += height > 12 ? height - 12 : 0;
    }
}

static void page_end(struct setting *s)
{
    char number[64];
    (void)g_snprintf(number, sizeof(number), "page %d of %d", s->page, s->pages);
    rule(s, TEXT_BOTTOM + 8);
    (void)lay(s, FONT, 8, false, TEXT_WIDTH - 80, s->document->footer);
    put(s, MARGIN, TEXT_BOTTOM + 14, 0.35);
    (void)lay(s, FONT, 8, false, TEXT_WIDTH, number);
    pango_layout_set_alignment(s->layout, PANGO_ALIGN_RIGHT);
    put(s, MARGIN, TEXT_BOTTOM + 14, 0.35);
    cairo_show_page(s->cairo);
}

/* Room for HEIGHT on this page, or on the next. */
static void room(struct setting *s, double height)
{
    if (s->y + height > TEXT_BOTTOM && s->y > MARGIN + 1) {
        page_end(s);
        page_begin(s);
    }
}

/* What the layout holds, line by line, so that a long text goes on over the page's end. */
static void put_lines(struct setting *s, double x, double grey)
{
    PangoLayout *held = pango_layout_copy(s->layout);
    PangoLayoutIter *line = pango_layout_get_iter(held);
    do {
        PangoRectangle box;
        pango_layout_iter_get_line_extents(line, NULL, &box);
        double height = (double)box.height / PANGO_SCALE;
        room(s, height);
        cairo_set_source_rgb(s->cairo, grey, grey, grey);
        cairo_move_to(s->cairo, x,
                      s->y + (double)(pango_layout_iter_get_baseline(line) - box.y) / PANGO_SCALE);
        pango_cairo_show_layout_line(s->cairo, pango_layout_iter_get_line_readonly(line));
        s->y += height;
    } while (pango_layout_iter_next_line(line));
    pango_layout_iter_free(line);
    g_object_unref(held);
}

static void set_row(struct setting *s, const struct document_part *part)
{
    double name = lay(s, FONT, 9, false, NAME_COLUMN - 12, part->name);
    double top, value = lay(s, FONT, 10, false, TEXT_WIDTH - NAME_COLUMN, part->text);
    room(s, name > 60 || value > 60 ? 60 : name > value ? name : value);
    top = s->y;
    (void)lay(s, FONT, 9, false, NAME_COLUMN - 12, part->name);
    put(s, MARGIN, top + 0.7, 0.35);
    (void)lay(s, FONT, 10, false, TEXT_WIDTH - NAME_COLUMN, part->text);
    put_lines(s, MARGIN + NAME_COLUMN, 0);
    if (s->y < top + name && s->y >= top) {
        s->y = top + name;
    }
    s->y += 4;
}

/* Where the columns of a table stand: what has no width of its own shares the rest. */
static void place_columns(const struct document_grid *grid, double *x, double *width)
{
    double rest = TEXT_WIDTH;
    size_t open = 0;
    for (size_t i = 0; i < grid->count; i++) {
        width[i] = TEXT_WIDTH * grid->columns[i].width / 100.0;
        rest -= width[i];
        open += grid->columns[i].width == 0;
    }
    double at = MARGIN;
    for (size_t i = 0; i < grid->count; i++) {
        if (grid->columns[i].width == 0) {
            width[i] = rest / (double)open;
        }
        x[i] = at;
        at += width[i];
    }
}

/* U+2007 is as wide as a digit, U+2008 as a point: so points stand under points. */
static double lay_cell(struct setting *s, const struct document_grid *grid, size_t column,
                       const char *text, double width, bool bold, bool title)
{
    struct oft_buffer padded;
    bool figure = grid->columns[column].figure;
    bool heavy = bold && (title || !figure); /* bold digits are wider: points would not meet */
    oft_buffer_init(&padded, DOCUMENT_BYTES_MAX);
    document_pad(&padded, text, figure && !title ? document_decimals(grid, column) : 0, "\u2007",
                 "\u2008");
    double height =
        lay(s, FONT, title ? 7.5 : 8, heavy, width - CELL_GAP, oft_buffer_text(&padded));
    pango_layout_set_alignment(s->layout, figure ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
    oft_buffer_release(&padded);
    return height;
}

static void set_cells(struct setting *s, const struct document_grid *grid, const char *const *cells,
                      bool is_sum, bool title)
{
    double x[DOCUMENT_COLUMNS_MAX], width[DOCUMENT_COLUMNS_MAX], tallest = 0;
    place_columns(grid, x, width);
    for (size_t i = 0; i < grid->count; i++) {
        double height = lay_cell(s, grid, i, cells[i], width[i], is_sum || title, title);
        tallest = height > tallest ? height : tallest;
    }
    if (!title && s->y + tallest + 4 > TEXT_BOTTOM && s->y > MARGIN + 1) {
        const char *titles[DOCUMENT_COLUMNS_MAX];
        for (size_t i = 0; i < grid->count; i++) {
            titles[i] = grid->columns[i].title;
        }
        page_end(s);
        page_begin(s);
        set_cells(s, grid, titles, false, true);
    }
    for (size_t i = 0; i < grid->count; i++) {
        (void)lay_cell(s, grid, i, cells[i], width[i], is_sum || title, title);
        put(s, x[i] + (grid->columns[i].figure ? CELL_GAP : 0), s->y, title ? 0.35 : 0);
    }
    s->y += tallest + 3;
    if (title) {
        rule(s, s->y - 1);
        s->y += 2;
    }
}

static void set_table(struct setting *s, const struct document_grid *grid)
{
    const char *titles[DOCUMENT_COLUMNS_MAX];
    for (size_t i = 0; i < grid->count; i++) {
        titles[i] = grid->columns[i].title;
    }
    room(s, 45); /* a head stands with a row below it */
    set_cells(s, grid, titles, false, true);
    bool sums = true; /* a line parts the sums from what they are of */
    for (const struct document_cells *row = grid->first; row != NULL; row = row->next) {
        if (row->is_sum && !sums) {
            rule(s, s->y - 1);
            s->y += 2;
        }
        sums = row->is_sum;
        set_cells(s, grid, row->cells, row->is_sum, false);
    }
    s->y += 6;
}

static void set_part(struct setting *s, const struct document_part *part)
{
    double height;
    switch (part->kind) {
    case DOCUMENT_HEADING:
        height = lay(s, FONT, 11.5, true, TEXT_WIDTH, part->text);
        room(s, height + 60); /* a heading does not stand alone at a page's end */
        s->y += 12;
        (void)lay(s, FONT, 11.5, true, TEXT_WIDTH, part->text);
        put(s, MARGIN, s->y, 0);
        s->y += height + 3;
        rule(s, s->y);
        s->y += 6;
        break;
    case DOCUMENT_ROW:
        set_row(s, part);
        break;
    case DOCUMENT_PARAGRAPH:
        (void)lay(s, FONT, 10, false, TEXT_WIDTH, part->text);
        put_lines(s, MARGIN, 0);
        s->y += 7;
        break;
    case DOCUMENT_CODE:
        (void)lay(s, FONT_FIXED, 8.5, false, TEXT_WIDTH, part->text);
        put_lines(s, MARGIN, 0);
        s->y += 5;
        break;
    case DOCUMENT_TABLE:
        if (part->grid != NULL) {
            set_table(s, part->grid);
        }
        break;
    }
}

static void metadata(cairo_surface_t *surface, const struct document *document)
{
    char dated[OFT_INSTANT_TEXT_BYTES];
    (void)oft_instant_format(document->dated - document->dated % OFT_NS_PER_SECOND, dated);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, document->title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "offtake");
    if (document->keywords[0] != '\0') {
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_KEYWORDS, document->keywords);
    }
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, dated);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_MOD_DATE, dated);
}

/* Sets the whole document; the number of its pages. PAGES: what "of" says. */
static int set_all(const struct document *document, cairo_surface_t *surface, int pages,
                   struct oft_buffer *out)
{
    struct setting s = {.document = document, .out = out, .pages = pages};
    s.cairo = cairo_create(surface);
    s.layout = pango_cairo_create_layout(s.cairo);
    page_begin(&s);
    double height = lay(&s, FONT, 16, true, TEXT_WIDTH, document->title);
    put(&s, MARGIN, s.y, 0);
    s.y += height + 14;
    for (const struct document_part *part = document->first; part != NULL; part = part->next) {
        set_part(&s, part);
    }
    page_end(&s);
    g_object_unref(s.layout);
    cairo_destroy(s.cairo);
    return s.page;
}

enum oft_err document_pdf(const struct document *document, struct oft_buffer *out,
                          struct oft_error *reterr)
{
    struct oft_buffer trial;
    oft_buffer_init(&trial, 64u << 20);
    cairo_surface_t *surface =
        cairo_pdf_surface_create_for_stream(bytes_out, &trial, PAGE_WIDTH, PAGE_HEIGHT);
    cairo_pdf_surface_restrict_to_version(surface, CAIRO_PDF_VERSION_1_4);
    int pages = set_all(document, surface, 0, &trial);
    cairo_surface_destroy(surface);
    oft_buffer_release(&trial);
    surface = cairo_pdf_surface_create_for_stream(bytes_out, out, PAGE_WIDTH, PAGE_HEIGHT);
    /* Later versions may pack the metadata away, which `statement --reproduce` reads. */
    cairo_pdf_surface_restrict_to_version(surface, CAIRO_PDF_VERSION_1_4);
    metadata(surface, document);
    (void)set_all(document, surface, pages, out);
    cairo_surface_finish(surface);
    cairo_status_t status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS || document->failed || out->failed) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "the PDF could not be made: %s",
                        status != CAIRO_STATUS_SUCCESS ? cairo_status_to_string(status)
                                                       : "it is too long, or memory is out");
    }
    return OFT_OK;
}
