;; Tells which fields of CSV records are plain; see plain-fields.ts, which holds this module in binary form.
;; Assemble with `wat2wasm plain-fields.wat -o FILE`, then `base64 -w0 FILE` (WABT; its standard output is not safe for bytes).
(module
  (import "search" "memory" (memory 1))
  (global $delimiter (mut i32) (i32.const 0x2c))
  (global $quote (mut i32) (i32.const 0x22))
  ;; What may stand before LF at the end of a line: CR, or nothing that a byte can be.
  (global $cr (mut i32) (i32.const 0x100))
  (global $null (mut i32) (i32.const 0))
  (global $nullEnd (mut i32) (i32.const 0))
  ;; Of the record at which a walk ended: the number of the field that is not plain, or -1 when its end is missing.
  (global $field (export "field") (mut i32) (i32.const -1))
  ;; Records that were walked over, without blank lines, and those among them with more or fewer fields than there are entries.
  (global $records (export "records") (mut i32) (i32.const 0))
  (global $misshapen (export "misshapen") (mut i32) (i32.const 0))
  ;; `$null` to `$nullEnd` is the text of null values.
  (func (export "begin") (param $delimiterByte i32) (param $quoteByte i32) (param $crByte i32) (param $nullAt i32) (param $nullLength i32)
    (global.set $delimiter (local.get $delimiterByte))
    (global.set $quote (local.get $quoteByte))
    (global.set $cr (local.get $crByte))
    (global.set $null (local.get $nullAt))
    (global.set $nullEnd (i32.add (local.get $nullAt) (local.get $nullLength))))
  (func $isDigit (param $c i32) (result i32)
    (i32.lt_u (i32.sub (local.get $c) (i32.const 0x30)) (i32.const 10)))
  ;; Whether a field can end in front of $p.
  (func $isEnd (param $p i32) (result i32)
    (local $c i32)
    (local.set $c (i32.load8_u (local.get $p)))
    (i32.or
      (i32.or (i32.eq (local.get $c) (global.get $delimiter)) (i32.eq (local.get $c) (i32.const 0x0a)))
      (i32.and (i32.eq (local.get $c) (global.get $cr)) (i32.eq (i32.load8_u offset=1 (local.get $p)) (i32.const 0x0a)))))
  ;; The end of any field at $p; 0 when it is no usual one, -1 when it has no end before $end.
  (func $any (param $p i32) (param $end i32) (result i32)
    (local $v v128) (local $mask i32) (local $delimiters v128) (local $quotes v128)
    (if (i32.eq (i32.load8_u (local.get $p)) (global.get $quote))
      (then (return (call $quoted (i32.add (local.get $p) (i32.const 1)) (local.get $end)))))
    (local.set $delimiters (i8x16.splat (global.get $delimiter)))
    (local.set $quotes (i8x16.splat (global.get $quote)))
    (loop $next
      (local.set $v (v128.load (local.get $p)))
      (local.set $mask (i8x16.bitmask (v128.or
        (v128.or (i8x16.eq (local.get $v) (local.get $delimiters)) (i8x16.eq (local.get $v) (local.get $quotes)))
        (i8x16.eq (local.get $v) (i8x16.splat (i32.const 0x0a))))))
      (if (i32.eqz (local.get $mask))
        (then
          (local.set $p (i32.add (local.get $p) (i32.const 16)))
          (br $next))))
    (local.set $p (i32.add (local.get $p) (i32.ctz (local.get $mask))))
    ;; A quote in the middle: readers differ.
    (select (i32.const 0) (local.get $p) (i32.eq (i32.load8_u (local.get $p)) (global.get $quote))))
  ;; The same for what follows a quote.
  (func $quoted (param $p i32) (param $end i32) (result i32)
    (local $mask i32) (local $quotes v128)
    (local.set $quotes (i8x16.splat (global.get $quote)))
    (loop $next
      (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (i32.const -1))))
      (local.set $mask (i8x16.bitmask (i8x16.eq (v128.load (local.get $p)) (local.get $quotes))))
      (if (i32.eqz (local.get $mask))
        (then
          (local.set $p (i32.add (local.get $p) (i32.const 16)))
          (br $next)))
      (local.set $p (i32.add (local.get $p) (i32.ctz (local.get $mask))))
      (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (i32.const -1))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (if (i32.eq (i32.load8_u (local.get $p)) (global.get $quote))
        (then
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (br $next))))
    (select (local.get $p) (i32.const 0) (call $isEnd (local.get $p))))
  ;; Behind the digits at $p.
  (func $digits (param $p i32) (result i32)
    (local $mask i32)
    (loop $next
      (local.set $mask (i8x16.bitmask (i8x16.ge_u
        (i8x16.sub (v128.load (local.get $p)) (i8x16.splat (i32.const 0x30)))
        (i8x16.splat (i32.const 10)))))
      (if (i32.eqz (local.get $mask))
        (then
          (local.set $p (i32.add (local.get $p) (i32.const 16)))
          (br $next))))
    (i32.add (local.get $p) (i32.ctz (local.get $mask))))
  ;; Behind the number at $p, or 0; of at most so many digits before and after a point, none after it: without point.
  (func $number (param $p i32) (param $whole i32) (param $fraction i32) (result i32)
    (local $end i32)
    (local.set $p (i32.add (local.get $p) (i32.eq (i32.load8_u (local.get $p)) (i32.const 0x2d))))
    ;; Few digits as a rule: less than the call costs.
    (local.set $end (local.get $p))
    (block $behind
      (loop $next
        (br_if $behind (i32.ge_u (i32.sub (i32.load8_u (local.get $end)) (i32.const 0x30)) (i32.const 10)))
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (br $next)))
    (if (i32.ge_u (i32.sub (i32.sub (local.get $end) (local.get $p)) (i32.const 1)) (local.get $whole)) (then (return (i32.const 0))))
    (if (i32.ne (i32.load8_u (local.get $end)) (i32.const 0x2e)) (then (return (local.get $end))))
    (local.set $p (i32.add (local.get $end) (i32.const 1)))
    (local.set $end (call $digits (local.get $p)))
    (if (i32.ge_u (i32.sub (i32.sub (local.get $end) (local.get $p)) (i32.const 1)) (local.get $fraction)) (then (return (i32.const 0))))
    (local.get $end))
  ;; The number of the two digits at $p.
  (func $two (param $p i32) (result i32)
    (i32.sub
      (i32.add (i32.mul (i32.load8_u (local.get $p)) (i32.const 10)) (i32.load8_u offset=1 (local.get $p)))
      (i32.const 528)))
  ;; Whether YYYY-MM-DD stands at $p, from year 1 on; the days of a month are not looked at. $mask: which of the bytes are digits.
  (func $isDay (param $p i32) (param $mask i32) (result i32)
    (i32.and
      (i32.and
        (i32.and
          (i32.eq (i32.and (local.get $mask) (i32.const 0x3ff)) (i32.const 0x36f))
          (i32.ne (i32.load (local.get $p)) (i32.const 0x30303030)))
        (i32.and
          (i32.eq (i32.load8_u offset=4 (local.get $p)) (i32.const 0x2d))
          (i32.eq (i32.load8_u offset=7 (local.get $p)) (i32.const 0x2d))))
      (i32.and
        (i32.lt_u (i32.sub (call $two (i32.add (local.get $p) (i32.const 5))) (i32.const 1)) (i32.const 12))
        (i32.lt_u (i32.sub (call $two (i32.add (local.get $p) (i32.const 8))) (i32.const 1)) (i32.const 31)))))
  (func $digitMask (param $p i32) (result i32)
    (i8x16.bitmask (i8x16.lt_u
      (i8x16.sub (v128.load (local.get $p)) (i8x16.splat (i32.const 0x30)))
      (i8x16.splat (i32.const 10)))))
  (func $day (param $p i32) (result i32)
    (select
      (i32.add (local.get $p) (i32.const 10))
      (i32.const 0)
      (call $isDay (local.get $p) (call $digitMask (local.get $p)))))
  ;; Behind YYYY-MM-DD HH:MM:SS at $p, or 0. $between: the byte after the day, 0 for a space or T. $more: 1 a fraction of up to
  ;; six digits may follow, 2 so may Z, 3 both.
  (func $time (param $p i32) (param $between i32) (param $more i32) (result i32)
    (local $mask i32) (local $c i32) (local $end i32)
    (local.set $mask (call $digitMask (local.get $p)))
    (if (i32.ne (local.get $mask) (i32.const 0xdb6f)) (then (return (i32.const 0))))
    (if (i32.eqz (call $isDay (local.get $p) (local.get $mask))) (then (return (i32.const 0))))
    (local.set $c (i32.load8_u offset=10 (local.get $p)))
    (if (local.get $between)
      (then (if (i32.ne (local.get $c) (local.get $between)) (then (return (i32.const 0)))))
      (else
        (if (i32.and (i32.ne (local.get $c) (i32.const 0x20)) (i32.ne (local.get $c) (i32.const 0x54))) (then (return (i32.const 0))))))
    (if (i32.gt_u (call $two (i32.add (local.get $p) (i32.const 11))) (i32.const 23)) (then (return (i32.const 0))))
    (if (i32.eqz
          (i32.and
            (i32.and
              (i32.eq (i32.load8_u offset=13 (local.get $p)) (i32.const 0x3a))
              (i32.eq (i32.load8_u offset=16 (local.get $p)) (i32.const 0x3a)))
            (i32.and
              (i32.le_u (i32.load8_u offset=14 (local.get $p)) (i32.const 0x35))
              (i32.and
                (i32.lt_u (i32.sub (i32.load8_u offset=17 (local.get $p)) (i32.const 0x30)) (i32.const 6))
                (call $isDigit (i32.load8_u offset=18 (local.get $p)))))))
      (then (return (i32.const 0))))
    (local.set $end (i32.add (local.get $p) (i32.const 19)))
    (if (i32.and (i32.and (local.get $more) (i32.const 1)) (i32.eq (i32.load8_u (local.get $end)) (i32.const 0x2e)))
      (then
        (local.set $p (i32.add (local.get $end) (i32.const 1)))
        (local.set $end (call $digits (local.get $p)))
        (if (i32.ge_u (i32.sub (i32.sub (local.get $end) (local.get $p)) (i32.const 1)) (i32.const 6)) (then (return (i32.const 0))))))
    (if (i32.and (local.get $more) (i32.const 2))
      (then (local.set $end (i32.add (local.get $end) (i32.eq (i32.load8_u (local.get $end)) (i32.const 0x5a))))))
    (local.get $end))
  ;; Behind true or false at $p, or 0.
  (func $boolean (param $p i32) (result i32)
    (local $word i32)
    (local.set $word (i32.load (local.get $p)))
    (if (i32.eq (local.get $word) (i32.const 0x65757274)) (then (return (i32.add (local.get $p) (i32.const 4)))))
    (if (i32.and (i32.eq (local.get $word) (i32.const 0x736c6166)) (i32.eq (i32.load8_u offset=4 (local.get $p)) (i32.const 0x65)))
      (then (return (i32.add (local.get $p) (i32.const 5)))))
    (i32.const 0))
  ;; The end of the field at $p that is null or of the form $entry, or 0.
  (func $plain (param $p i32) (param $entry i32) (result i32)
    (local $kind i32) (local $start i32) (local $end i32) (local $q i32)
    (local.set $kind (i32.load (local.get $entry)))
    (local.set $start (i32.add (local.get $p) (i32.eq (i32.load8_u (local.get $p)) (global.get $quote))))
    (block $known
      (if (i32.eq (local.get $kind) (i32.const 1))
        (then
          (local.set $end
            (call $number (local.get $start) (i32.load offset=4 (local.get $entry)) (i32.load offset=8 (local.get $entry))))
          (br $known)))
      (if (i32.eq (local.get $kind) (i32.const 2))
        (then
          (local.set $end
            (call $time (local.get $start) (i32.load offset=4 (local.get $entry)) (i32.load offset=8 (local.get $entry))))
          (br $known)))
      (local.set $end
        (if (result i32) (i32.eq (local.get $kind) (i32.const 3))
          (then (call $day (local.get $start)))
          (else (call $boolean (local.get $start))))))
    (if (i32.ne (local.get $start) (local.get $p))
      (then
        (if (i32.eqz (local.get $end)) (then (return (i32.const 0))))
        (if (i32.ne (i32.load8_u (local.get $end)) (global.get $quote)) (then (return (i32.const 0))))
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (return (select (local.get $end) (i32.const 0) (call $isEnd (local.get $end))))))
    (if (local.get $end)
      (then
        ;; As a rule; the call costs more.
        (if (i32.eq (i32.load8_u (local.get $end)) (global.get $delimiter)) (then (return (local.get $end))))
        (if (call $isEnd (local.get $end)) (then (return (local.get $end))))))
    (local.set $q (global.get $null))
    (block $differs
      (loop $next
        (if (i32.lt_u (local.get $q) (global.get $nullEnd))
          (then
            (br_if $differs (i32.ne (i32.load8_u (local.get $p)) (i32.load8_u (local.get $q))))
            (local.set $p (i32.add (local.get $p) (i32.const 1)))
            (local.set $q (i32.add (local.get $q) (i32.const 1)))
            (br $next))))
      (if (call $isEnd (local.get $p)) (then (return (local.get $p)))))
    (i32.const 0))
  ;; The start of the first record in [$p, $end) that has a field which is not plain or that has no end there, or $end. The last
  ;; byte before $end is LF. Entries of 16 bytes in [$entries, $entriesEnd), one a field: kind (0 anything, 1 number, 2 time,
  ;; 3 day, 4 boolean) and two bounds. What follows the last one may be anything.
  (func (export "walk") (param $p i32) (param $end i32) (param $entries i32) (param $entriesEnd i32) (result i32)
    (local $record i32) (local $entry i32) (local $at i32)
    (block $unusual
      (loop $nextRecord
        (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (local.get $end))))
        (local.set $record (local.get $p))
        (local.set $entry (local.get $entries))
        (loop $nextField
          (if (i32.ge_u (local.get $entry) (local.get $entriesEnd))
            (then (local.set $at (call $any (local.get $p) (local.get $end))))
            (else
              (if (i32.load (local.get $entry))
                (then (local.set $at (call $plain (local.get $p) (local.get $entry))))
                (else (local.set $at (call $any (local.get $p) (local.get $end)))))))
          (br_if $unusual (i32.le_s (local.get $at) (i32.const 0)))
          (local.set $entry (i32.add (local.get $entry) (i32.const 16)))
          (local.set $p (i32.add (local.get $at) (i32.const 1)))
          (br_if $nextField (i32.eq (i32.load8_u (local.get $at)) (global.get $delimiter))))
        (if (i32.ne (local.get $at) (local.get $record))
          (then
            (global.set $records (i32.add (global.get $records) (i32.const 1)))
            (global.set $misshapen (i32.add (global.get $misshapen) (i32.ne (local.get $entry) (local.get $entriesEnd))))))
        ;; Behind CR stands LF.
        (local.set $p (i32.add (local.get $p) (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x0a))))
        (br $nextRecord)))
    (global.set $field
      (select
        (i32.const -1)
        (i32.shr_u (i32.sub (local.get $entry) (local.get $entries)) (i32.const 4))
        (i32.lt_s (local.get $at) (i32.const 0))))
    (local.get $record)))
