;; Tells which lines are plain objects; see plain-lines.ts, which holds this module in binary form.
;; Assemble with `wat2wasm plain-lines.wat -o FILE`, then `base64 -w0 FILE` (WABT; its standard output is not safe for bytes).
(module
  (memory (export "memory") 1)
  ;; Lines that were found plain since the start.
  (global $lines (export "lines") (mut i32) (i32.const 0))
  (func $isDigit (param $c i32) (result i32)
    (i32.lt_u (i32.sub (local.get $c) (i32.const 0x30)) (i32.const 10)))
  ;; Behind spaces and tabs.
  (func $skip (param $p i32) (result i32)
    (local $c i32)
    (loop $next
      (local.set $c (i32.load8_u (local.get $p)))
      (if (i32.or (i32.eq (local.get $c) (i32.const 0x20)) (i32.eq (local.get $c) (i32.const 0x09)))
        (then
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (br $next))))
    (local.get $p))
  ;; Whether $n bytes at $p are those at $q; both may be read up to the next 16 bytes.
  (func $same (param $p i32) (param $q i32) (param $n i32) (result i32)
    (local $mask i32)
    (loop $next
      (local.set $mask (i8x16.bitmask (i8x16.eq (v128.load (local.get $p)) (v128.load (local.get $q)))))
      (if (i32.le_u (local.get $n) (i32.const 16))
        (then (return (i32.eqz (i32.shl (i32.xor (local.get $mask) (i32.const 0xffff)) (i32.sub (i32.const 32) (local.get $n)))))))
      (if (i32.ne (local.get $mask) (i32.const 0xffff)) (then (return (i32.const 0))))
      (local.set $p (i32.add (local.get $p) (i32.const 16)))
      (local.set $q (i32.add (local.get $q) (i32.const 16)))
      (local.set $n (i32.sub (local.get $n) (i32.const 16)))
      (br $next))
    (unreachable))
  ;; The number that four hexadecimal digits at $p spell, or -1.
  (func $hex4 (param $p i32) (result i32)
    (local $end i32) (local $c i32) (local $value i32)
    (local.set $end (i32.add (local.get $p) (i32.const 4)))
    (loop $next
      (local.set $c (i32.load8_u (local.get $p)))
      (if (call $isDigit (local.get $c))
        (then (local.set $c (i32.sub (local.get $c) (i32.const 0x30))))
        (else
          (local.set $c (i32.sub (i32.or (local.get $c) (i32.const 0x20)) (i32.const 0x61)))
          (if (i32.ge_u (local.get $c) (i32.const 6)) (then (return (i32.const -1))))
          (local.set $c (i32.add (local.get $c) (i32.const 10)))))
      (local.set $value (i32.or (i32.shl (local.get $value) (i32.const 4)) (local.get $c)))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $p) (local.get $end))))
    (local.get $value))
  ;; The end of the string whose first character is at $p, or 0.
  (func $string (param $p i32) (result i32)
    (local $v v128) (local $mask i32) (local $c i32)
    (loop $next
      (local.set $v (v128.load (local.get $p)))
      (local.set $mask (i8x16.bitmask (v128.or
        (v128.or (i8x16.eq (local.get $v) (i8x16.splat (i32.const 0x22))) (i8x16.eq (local.get $v) (i8x16.splat (i32.const 0x5c))))
        (i8x16.lt_u (local.get $v) (i8x16.splat (i32.const 0x20))))))
      (if (i32.eqz (local.get $mask))
        (then
          (local.set $p (i32.add (local.get $p) (i32.const 16)))
          (br $next)))
      (local.set $p (i32.add (local.get $p) (i32.ctz (local.get $mask))))
      (local.set $c (i32.load8_u (local.get $p)))
      (if (i32.eq (local.get $c) (i32.const 0x22)) (then (return (i32.add (local.get $p) (i32.const 1)))))
      (if (i32.ne (local.get $c) (i32.const 0x5c)) (then (return (i32.const 0))))
      (local.set $c (i32.load8_u offset=1 (local.get $p)))
      (if (i32.eq (local.get $c) (i32.const 0x75))
        (then
          (local.set $c (call $hex4 (i32.add (local.get $p) (i32.const 2))))
          ;; No NUL and no surrogate.
          (if (i32.or (i32.le_s (local.get $c) (i32.const 0)) (i32.eq (i32.and (local.get $c) (i32.const 0xf800)) (i32.const 0xd800)))
            (then (return (i32.const 0))))
          (local.set $p (i32.add (local.get $p) (i32.const 6)))
          (br $next)))
      ;; One of "\/bfnrt.
      (if (i32.eqz (i32.or
            (i32.or
              (i32.or (i32.eq (local.get $c) (i32.const 0x22)) (i32.eq (local.get $c) (i32.const 0x5c)))
              (i32.or (i32.eq (local.get $c) (i32.const 0x2f)) (i32.eq (local.get $c) (i32.const 0x62))))
            (i32.or
              (i32.or (i32.eq (local.get $c) (i32.const 0x66)) (i32.eq (local.get $c) (i32.const 0x6e)))
              (i32.or (i32.eq (local.get $c) (i32.const 0x72)) (i32.eq (local.get $c) (i32.const 0x74))))))
        (then (return (i32.const 0))))
      (local.set $p (i32.add (local.get $p) (i32.const 2)))
      (br $next))
    (unreachable))
  ;; Behind the digits at $p.
  (func $digits (param $p i32) (result i32)
    (loop $next
      (if (call $isDigit (i32.load8_u (local.get $p)))
        (then
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (br $next))))
    (local.get $p))
  ;; The end of the number at $p, or 0: of at most 18 digits before a point and 40 characters in all, without exponent, no -0.
  (func $number (param $p i32) (param $kinds i32) (result i32)
    (local $start i32) (local $first i32) (local $end i32)
    (local.set $start (local.get $p))
    (local.set $first (i32.add (local.get $p) (i32.eq (i32.load8_u (local.get $p)) (i32.const 0x2d))))
    (local.set $end (call $digits (local.get $first)))
    (if (i32.eq (local.get $end) (local.get $first)) (then (return (i32.const 0))))
    (if (i32.gt_u (i32.sub (local.get $end) (local.get $first)) (i32.const 18)) (then (return (i32.const 0))))
    (if (i32.eq (i32.load8_u (local.get $first)) (i32.const 0x30))
      (then
        (if (i32.ne (i32.sub (local.get $end) (local.get $first)) (i32.const 1)) (then (return (i32.const 0))))
        (if (i32.and (i32.ne (local.get $first) (local.get $start)) (i32.ne (i32.load8_u (local.get $end)) (i32.const 0x2e)))
          (then (return (i32.const 0))))))
    (if (i32.ne (i32.load8_u (local.get $end)) (i32.const 0x2e))
      (then (return (select (local.get $end) (i32.const 0) (i32.and (local.get $kinds) (i32.const 2))))))
    (if (i32.eqz (i32.and (local.get $kinds) (i32.const 4))) (then (return (i32.const 0))))
    (local.set $first (i32.add (local.get $end) (i32.const 1)))
    (local.set $end (call $digits (local.get $first)))
    (if (i32.eq (local.get $end) (local.get $first)) (then (return (i32.const 0))))
    (if (i32.gt_u (i32.sub (local.get $end) (local.get $start)) (i32.const 40)) (then (return (i32.const 0))))
    (local.get $end))
  ;; The end of the value at $p, or 0. Kinds: 1 string, 2 integer, 4 real number, 8 boolean; null is always one.
  (func $value (param $p i32) (param $kinds i32) (result i32)
    (local $c i32)
    (local.set $c (i32.load8_u (local.get $p)))
    (if (i32.eq (local.get $c) (i32.const 0x22))
      (then
        (if (i32.eqz (i32.and (local.get $kinds) (i32.const 1))) (then (return (i32.const 0))))
        (return (call $string (i32.add (local.get $p) (i32.const 1))))))
    (if (i32.or (i32.eq (local.get $c) (i32.const 0x2d)) (call $isDigit (local.get $c)))
      (then (return (call $number (local.get $p) (local.get $kinds)))))
    (local.set $c (i32.load (local.get $p)))
    ;; null
    (if (i32.eq (local.get $c) (i32.const 0x6c6c756e)) (then (return (i32.add (local.get $p) (i32.const 4)))))
    (if (i32.eqz (i32.and (local.get $kinds) (i32.const 8))) (then (return (i32.const 0))))
    ;; true, false
    (if (i32.eq (local.get $c) (i32.const 0x65757274)) (then (return (i32.add (local.get $p) (i32.const 4)))))
    (if (i32.and (i32.eq (local.get $c) (i32.const 0x736c6166)) (i32.eq (i32.load8_u offset=4 (local.get $p)) (i32.const 0x65)))
      (then (return (i32.add (local.get $p) (i32.const 5)))))
    (i32.const 0))
  ;; The start of the first line in [$p, $end) that is not plain, or $end. The last byte before $end is a newline. Keys are
  ;; entries of 16 bytes in [$keys, $keysEnd): kinds, length and address of the text, which is followed by 16 bytes more.
  (func (export "firstOther") (param $p i32) (param $end i32) (param $keys i32) (param $keysEnd i32) (result i32)
    (local $line i32) (local $key i32) (local $c i32)
    (loop $nextLine
      (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (local.get $end))))
      (local.set $line (local.get $p))
      (if (i32.ne (i32.load8_u (local.get $p)) (i32.const 0x7b)) (then (return (local.get $line))))
      (local.set $key (local.get $keys))
      (loop $member
        (local.set $p (call $skip (i32.add (local.get $p) (i32.const 1))))
        ;; Keys come in their order, each at most once; some may be missing.
        (block $found
          (loop $nextKey
            (if (i32.ge_u (local.get $key) (local.get $keysEnd)) (then (return (local.get $line))))
            (br_if $found (call $same (local.get $p) (i32.load offset=8 (local.get $key)) (i32.load offset=4 (local.get $key))))
            (local.set $key (i32.add (local.get $key) (i32.const 16)))
            (br $nextKey)))
        (local.set $p (call $value
          (call $skip (i32.add (local.get $p) (i32.load offset=4 (local.get $key))))
          (i32.load (local.get $key))))
        (if (i32.eqz (local.get $p)) (then (return (local.get $line))))
        (local.set $key (i32.add (local.get $key) (i32.const 16)))
        (local.set $p (call $skip (local.get $p)))
        (br_if $member (i32.eq (local.tee $c (i32.load8_u (local.get $p))) (i32.const 0x2c))))
      (if (i32.ne (local.get $c) (i32.const 0x7d)) (then (return (local.get $line))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (local.set $p (i32.add (local.get $p) (i32.eq (i32.load8_u (local.get $p)) (i32.const 0x0d))))
      (if (i32.ne (i32.load8_u (local.get $p)) (i32.const 0x0a)) (then (return (local.get $line))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (global.set $lines (i32.add (global.get $lines) (i32.const 1)))
      (br $nextLine))
    (unreachable)))
