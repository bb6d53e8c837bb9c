// What C code that Lean emits needs of Lean's runtime: the functions that are inlined into it. All others are
// exports of the program.
//
// Written for one build: 32-bit, mimalloc, threads. Layouts and reference counting are those of Lean's runtime: a
// positive count belongs to one thread, a negative one is shared, 0 is never freed.
#pragma once

typedef __SIZE_TYPE__ size_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef _Bool bool;
#define false 0
#define true 1

#define LEAN_EXPORT
#define INLINE static inline __attribute__((always_inline))
#define LIKELY(x) __builtin_expect(!!(x), 1)

_Static_assert(sizeof(void *) == 4, "another Lean than the one that this is for");

// The loader asks each module for its thread-local variables; this one has none.
void *_emscripten_tls_init(void) { return 0; }

/* ---- Objects ---- */

typedef struct { int rc; uint16_t size; uint8_t fields; uint8_t tag; } lean_object;
typedef struct { lean_object header; lean_object *fields[]; } constructed;
typedef struct { lean_object header; void *function; uint16_t arity, fixed; lean_object *arguments[]; } closure;
typedef struct { lean_object header; size_t size, capacity; lean_object *items[]; } array;
typedef struct { lean_object header; size_t size, capacity, length; char bytes[]; } string;
enum { TAG_CLOSURE = 245, TAG_ARRAY = 246 };

void lean_inc_heartbeat(void);
void *mi_malloc_small(size_t);
lean_object *lean_alloc_object(size_t);
void lean_free_object(lean_object *);
void lean_dec_ref_cold(lean_object *);
void lean_mark_persistent(lean_object *);
_Noreturn void lean_internal_panic_out_of_memory(void);

INLINE bool lean_is_scalar(const lean_object *o) { return (size_t)o & 1; }
INLINE lean_object *lean_box(size_t n) { return (lean_object *)(n << 1 | 1); }
INLINE size_t lean_unbox(const lean_object *o) { return (size_t)o >> 1; }
INLINE unsigned lean_obj_tag(const lean_object *o) { return lean_is_scalar(o) ? lean_unbox(o) : o->tag; }

INLINE void lean_inc_ref_n(lean_object *o, size_t n) {
  if (LIKELY(o->rc > 0)) o->rc += n;
  else if (o->rc != 0) __atomic_fetch_sub(&o->rc, n, __ATOMIC_RELAXED);
}
INLINE void lean_inc_ref(lean_object *o) { lean_inc_ref_n(o, 1); }
INLINE void lean_inc_n(lean_object *o, size_t n) { if (!lean_is_scalar(o)) lean_inc_ref_n(o, n); }
INLINE void lean_inc(lean_object *o) { lean_inc_n(o, 1); }
INLINE void lean_dec_ref(lean_object *o) {
  if (LIKELY(o->rc > 1)) o->rc--;
  else if (o->rc != 0) lean_dec_ref_cold(o);
}
INLINE void lean_dec(lean_object *o) { if (!lean_is_scalar(o)) lean_dec_ref(o); }
INLINE bool lean_is_exclusive(const lean_object *o) { return o->rc == 1; }

/* ---- Constructors and closures ---- */

// The last word of an object that is no multiple of eight long is zero: objects are compared byte by byte.
INLINE lean_object *lean_alloc_ctor(unsigned tag, unsigned fields, unsigned scalars) {
  size_t size = sizeof(constructed) + fields * sizeof(void *) + scalars, aligned = (size + 7) & ~(size_t)7;
  lean_inc_heartbeat();
  lean_object *o = mi_malloc_small(aligned);
  if (!LIKELY(o)) lean_internal_panic_out_of_memory();
  if (aligned > size) ((size_t *)((char *)o + aligned))[-1] = 0;
  *o = (lean_object){1, aligned, fields, tag};
  return o;
}
INLINE lean_object **lean_fields(lean_object *o) { return ((constructed *)o)->fields; }
INLINE lean_object *lean_ctor_get(lean_object *o, unsigned i) { return lean_fields(o)[i]; }
INLINE void lean_ctor_set(lean_object *o, unsigned i, lean_object *v) { lean_fields(o)[i] = v; }
INLINE void lean_ctor_set_tag(lean_object *o, uint8_t tag) { o->tag = tag; }
INLINE void lean_ctor_release(lean_object *o, unsigned i) {
  lean_object **field = lean_fields(o) + i;
  lean_dec(*field);
  *field = lean_box(0);  // who drops the object later must not drop the field again
}
// Scalars stand behind the fields; `offset` counts bytes from the first field, `i` words.
INLINE void *lean_scalar(lean_object *o, unsigned offset) { return (char *)lean_fields(o) + offset; }
INLINE uint8_t lean_ctor_get_uint8(lean_object *o, unsigned offset) { return *(uint8_t *)lean_scalar(o, offset); }
INLINE void lean_ctor_set_uint8(lean_object *o, unsigned offset, uint8_t v) { *(uint8_t *)lean_scalar(o, offset) = v; }
INLINE void lean_ctor_set_uint64(lean_object *o, unsigned offset, uint64_t v) { __builtin_memcpy(lean_scalar(o, offset), &v, 8); }
INLINE void lean_ctor_set_usize(lean_object *o, unsigned i, size_t v) { ((size_t *)lean_fields(o))[i] = v; }
INLINE size_t lean_unbox_usize(lean_object *o) { return *(size_t *)lean_fields(o); }
INLINE uint32_t lean_unbox_uint32(lean_object *o) { return *(uint32_t *)lean_fields(o); }

INLINE lean_object *lean_alloc_closure(void *function, unsigned arity, unsigned fixed) {
  closure *o = (closure *)lean_alloc_object(sizeof(closure) + fixed * sizeof(void *));
  o->header.rc = 1, o->header.tag = TAG_CLOSURE, o->header.fields = 0;
  o->function = function, o->arity = arity, o->fixed = fixed;
  return (lean_object *)o;
}
INLINE void lean_closure_set(lean_object *o, unsigned i, lean_object *v) { ((closure *)o)->arguments[i] = v; }
lean_object *lean_apply_1(lean_object *, lean_object *);
lean_object *lean_apply_2(lean_object *, lean_object *, lean_object *);
lean_object *lean_apply_3(lean_object *, lean_object *, lean_object *, lean_object *);
lean_object *lean_apply_4(lean_object *, lean_object *, lean_object *, lean_object *, lean_object *);
lean_object *lean_apply_5(lean_object *, lean_object *, lean_object *, lean_object *, lean_object *, lean_object *);
lean_object *lean_apply_6(lean_object *, lean_object *, lean_object *, lean_object *, lean_object *, lean_object *, lean_object *);
lean_object *lean_apply_7(lean_object *, lean_object *, lean_object *, lean_object *, lean_object *, lean_object *, lean_object *,
                          lean_object *);
lean_object *lean_apply_8(lean_object *, lean_object *, lean_object *, lean_object *, lean_object *, lean_object *, lean_object *,
                          lean_object *, lean_object *);
lean_object *lean_apply_9(lean_object *, lean_object *, lean_object *, lean_object *, lean_object *, lean_object *, lean_object *,
                          lean_object *, lean_object *, lean_object *);
lean_object *lean_apply_10(lean_object *, lean_object *, lean_object *, lean_object *, lean_object *, lean_object *, lean_object *,
                           lean_object *, lean_object *, lean_object *, lean_object *);

INLINE lean_object *lean_io_result_mk_ok(lean_object *v) {
  lean_object *o = lean_alloc_ctor(0, 1, 0);
  lean_ctor_set(o, 0, v);
  return o;
}
INLINE bool lean_io_result_is_error(const lean_object *o) { return o->tag == 1; }
INLINE lean_object *lean_io_result_get_value(const lean_object *o) { return lean_ctor_get((lean_object *)o, 0); }

/* ---- Numbers ---- */

lean_object *lean_big_usize_to_nat(size_t);
lean_object *lean_big_size_t_to_int(size_t);
lean_object *lean_nat_big_add(lean_object *, lean_object *);
lean_object *lean_nat_big_sub(lean_object *, lean_object *);
lean_object *lean_nat_big_mul(lean_object *, lean_object *);
lean_object *lean_nat_big_div(lean_object *, lean_object *);
lean_object *lean_nat_big_mod(lean_object *, lean_object *);
lean_object *lean_nat_big_shiftr(lean_object *, lean_object *);
lean_object *lean_nat_overflow_mul(size_t, size_t);
bool lean_nat_big_eq(lean_object *, lean_object *);
bool lean_nat_big_le(lean_object *, lean_object *);
bool lean_nat_big_lt(lean_object *, lean_object *);
bool lean_int_big_le(lean_object *, lean_object *);

#define MAX_SMALL_NAT (__SIZE_MAX__ >> 1)
#define MAX_SMALL_INT (1u << 30)
INLINE bool are_small(const lean_object *a, const lean_object *b) { return lean_is_scalar(a) && lean_is_scalar(b); }
INLINE lean_object *lean_usize_to_nat(size_t n) { return LIKELY(n <= MAX_SMALL_NAT) ? lean_box(n) : lean_big_usize_to_nat(n); }
INLINE lean_object *lean_unsigned_to_nat(unsigned n) { return lean_usize_to_nat(n); }
INLINE lean_object *lean_uint32_to_nat(uint32_t n) { return lean_usize_to_nat(n); }
INLINE lean_object *lean_nat_to_int(lean_object *n) {
  return !lean_is_scalar(n) || lean_unbox(n) <= MAX_SMALL_INT ? n : lean_big_size_t_to_int(lean_unbox(n));
}
INLINE lean_object *lean_nat_add(lean_object *a, lean_object *b) {
  return LIKELY(are_small(a, b)) ? lean_usize_to_nat(lean_unbox(a) + lean_unbox(b)) : lean_nat_big_add(a, b);
}
INLINE lean_object *lean_nat_sub(lean_object *a, lean_object *b) {
  if (!LIKELY(are_small(a, b))) return lean_nat_big_sub(a, b);
  return lean_unbox(a) < lean_unbox(b) ? lean_box(0) : lean_box(lean_unbox(a) - lean_unbox(b));
}
INLINE lean_object *lean_nat_mul(lean_object *a, lean_object *b) {
  if (!LIKELY(are_small(a, b))) return lean_nat_big_mul(a, b);
  size_t product;
  if (__builtin_mul_overflow(lean_unbox(a), lean_unbox(b), &product) || product > MAX_SMALL_NAT)
    return lean_nat_overflow_mul(lean_unbox(a), lean_unbox(b));
  return lean_box(product);
}
INLINE lean_object *lean_nat_div(lean_object *a, lean_object *b) {
  if (!LIKELY(are_small(a, b))) return lean_nat_big_div(a, b);
  return lean_unbox(b) == 0 ? lean_box(0) : lean_box(lean_unbox(a) / lean_unbox(b));
}
INLINE lean_object *lean_nat_mod(lean_object *a, lean_object *b) {
  if (!LIKELY(are_small(a, b))) return lean_nat_big_mod(a, b);
  return lean_unbox(b) == 0 ? a : lean_box(lean_unbox(a) % lean_unbox(b));
}
INLINE lean_object *lean_nat_shiftr(lean_object *a, lean_object *b) {
  if (!LIKELY(are_small(a, b))) return lean_nat_big_shiftr(a, b);
  return lean_unbox(b) < 32 ? lean_box(lean_unbox(a) >> lean_unbox(b)) : lean_box(0);
}
INLINE uint8_t lean_nat_dec_eq(lean_object *a, lean_object *b) { return a == b || (!are_small(a, b) && lean_nat_big_eq(a, b)); }
INLINE uint8_t lean_nat_dec_le(lean_object *a, lean_object *b) { return LIKELY(are_small(a, b)) ? a <= b : lean_nat_big_le(a, b); }
INLINE uint8_t lean_nat_dec_lt(lean_object *a, lean_object *b) { return LIKELY(are_small(a, b)) ? a < b : lean_nat_big_lt(a, b); }
INLINE uint8_t lean_int_dec_le(lean_object *a, lean_object *b) {
  return LIKELY(are_small(a, b)) ? (int)(size_t)a <= (int)(size_t)b : lean_int_big_le(a, b);
}

INLINE uint8_t lean_uint32_dec_eq(uint32_t a, uint32_t b) { return a == b; }
INLINE uint8_t lean_uint32_dec_le(uint32_t a, uint32_t b) { return a <= b; }
INLINE uint8_t lean_uint32_dec_lt(uint32_t a, uint32_t b) { return a < b; }
INLINE uint8_t lean_uint64_dec_eq(uint64_t a, uint64_t b) { return a == b; }
INLINE uint8_t lean_uint64_dec_lt(uint64_t a, uint64_t b) { return a < b; }
INLINE size_t lean_uint64_to_usize(uint64_t a) { return (size_t)a; }
INLINE size_t lean_usize_sub(size_t a, size_t b) { return a - b; }
INLINE size_t lean_usize_land(size_t a, size_t b) { return a & b; }
INLINE size_t lean_usize_shift_left(size_t a, size_t b) { return a << (b & 31); }
INLINE size_t lean_usize_shift_right(size_t a, size_t b) { return a >> (b & 31); }

/* ---- Arrays and strings ---- */

lean_object *lean_array_get_panic(lean_object *);
bool lean_string_eq_cold(lean_object *, lean_object *);
bool lean_string_lt(lean_object *, lean_object *);
uint32_t lean_string_utf8_get_fast_cold(const char *, size_t, size_t, unsigned char);
lean_object *lean_string_utf8_next_fast_cold(size_t, unsigned char);
lean_object *lean_mk_string_unchecked(const char *, size_t, size_t);

INLINE lean_object *lean_mk_empty_array_with_capacity(lean_object *n) {
  if (!lean_is_scalar(n)) lean_internal_panic_out_of_memory();
  size_t capacity = lean_unbox(n);
  array *o = (array *)lean_alloc_object(sizeof(array) + capacity * sizeof(void *));
  o->header.rc = 1, o->header.tag = TAG_ARRAY, o->header.fields = 0;
  o->size = 0, o->capacity = capacity;
  return (lean_object *)o;
}
INLINE lean_object *lean_array_get_size(lean_object *o) { return lean_box(((array *)o)->size); }
INLINE lean_object *lean_array_fget_borrowed(lean_object *o, lean_object *i) { return ((array *)o)->items[lean_unbox(i)]; }
INLINE lean_object *lean_array_fget(lean_object *o, lean_object *i) {
  lean_object *item = lean_array_fget_borrowed(o, i);
  lean_inc(item);
  return item;
}
INLINE lean_object *lean_array_get(lean_object *none, lean_object *o, lean_object *i) {
  if (LIKELY(lean_is_scalar(i) && lean_unbox(i) < ((array *)o)->size)) {
    lean_dec(none);
    return lean_array_fget(o, i);
  }
  return lean_array_get_panic(none);
}
INLINE lean_object *lean_string_utf8_byte_size(lean_object *o) { return lean_box(((string *)o)->size - 1); }
INLINE lean_object *lean_string_length(lean_object *o) { return lean_box(((string *)o)->length); }
INLINE uint8_t lean_string_dec_eq(lean_object *a, lean_object *b) {
  return a == b || (((string *)a)->size == ((string *)b)->size && lean_string_eq_cold(a, b));
}
INLINE uint8_t lean_string_dec_lt(lean_object *a, lean_object *b) { return lean_string_lt(a, b); }
INLINE uint32_t lean_string_utf8_get_fast(lean_object *o, lean_object *i) {
  const char *bytes = ((string *)o)->bytes;
  unsigned char c = bytes[lean_unbox(i)];
  return c & 0x80 ? lean_string_utf8_get_fast_cold(bytes, lean_unbox(i), ((string *)o)->size, c) : c;
}
INLINE lean_object *lean_string_utf8_next_fast(lean_object *o, lean_object *i) {
  unsigned char c = ((string *)o)->bytes[lean_unbox(i)];
  return c & 0x80 ? lean_string_utf8_next_fast_cold(lean_unbox(i), c) : lean_box(lean_unbox(i) + 1);
}
