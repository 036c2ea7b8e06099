;; Searches within the memory; see byte-search.ts, which holds this module in binary form.
;; Assemble with `wat2wasm byte-search.wat -o FILE`, then `base64 -w0 FILE` (WABT; its standard output is not safe for bytes).
(module
  (memory (export "memory") 1)
  ;; How often byte $b stands in [$p, $p + $n).
  (func (export "countByte") (param $p i32) (param $n i32) (param $b i32) (result i32)
    (local $end i32) (local $count i32) (local $wide v128) (local $sums v128) (local $stop i32)
    (local.set $wide (i8x16.splat (local.get $b)))
    (local.set $end (i32.add (local.get $p) (local.get $n)))
    (block $done
      (loop $next
        (br_if $done (i32.gt_u (i32.add (local.get $p) (i32.const 16)) (local.get $end)))
        ;; A sum of one byte holds 255 hits.
        (local.set $stop (i32.add (local.get $p) (i32.const 4080)))
        (if (i32.gt_u (local.get $stop) (local.get $end)) (then (local.set $stop (local.get $end))))
        (local.set $stop (i32.sub (local.get $stop) (i32.const 16)))
        (local.set $sums (v128.const i64x2 0 0))
        (loop $sixteen
          (local.set $sums (i8x16.sub (local.get $sums) (i8x16.eq (v128.load (local.get $p)) (local.get $wide))))
          (local.set $p (i32.add (local.get $p) (i32.const 16)))
          (br_if $sixteen (i32.le_u (local.get $p) (local.get $stop))))
        (local.set $sums (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $sums))))
        (local.set $count (i32.add (local.get $count) (i32.add
          (i32.add (i32x4.extract_lane 0 (local.get $sums)) (i32x4.extract_lane 1 (local.get $sums)))
          (i32.add (i32x4.extract_lane 2 (local.get $sums)) (i32x4.extract_lane 3 (local.get $sums))))))
        (br $next)))
    (block $over
      (loop $byte
        (br_if $over (i32.ge_u (local.get $p) (local.get $end)))
        (local.set $count (i32.add (local.get $count) (i32.eq (i32.load8_u (local.get $p)) (local.get $b))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br $byte)))
    (local.get $count))
  ;; How often byte $a stands before byte $b in [$p, $p + $n).
  (func (export "countPair") (param $p i32) (param $n i32) (param $a i32) (param $b i32) (result i32)
    (local $end i32) (local $count i32) (local $first v128) (local $second v128)
    (local.set $first (i8x16.splat (local.get $a)))
    (local.set $second (i8x16.splat (local.get $b)))
    (local.set $end (i32.add (local.get $p) (local.get $n)))
    (block $done
      (loop $next
        (br_if $done (i32.gt_u (i32.add (local.get $p) (i32.const 17)) (local.get $end)))
        (local.set $count (i32.add (local.get $count)
          (i32.popcnt (i8x16.bitmask (v128.and
            (i8x16.eq (v128.load (local.get $p)) (local.get $first))
            (i8x16.eq (v128.load offset=1 (local.get $p)) (local.get $second)))))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (br $next)))
    (block $over
      (loop $byte
        (br_if $over (i32.ge_u (i32.add (local.get $p) (i32.const 1)) (local.get $end)))
        (local.set $count (i32.add (local.get $count) (i32.and
          (i32.eq (i32.load8_u (local.get $p)) (local.get $a))
          (i32.eq (i32.load8_u offset=1 (local.get $p)) (local.get $b)))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br $byte)))
    (local.get $count))
  ;; Where byte $a stands before byte $b first in [$p, $p + $n), counted from $p, or -1.
  (func (export "findPair") (param $p i32) (param $n i32) (param $a i32) (param $b i32) (result i32)
    (local $start i32) (local $end i32) (local $mask i32) (local $first v128) (local $second v128)
    (local.set $start (local.get $p))
    (local.set $first (i8x16.splat (local.get $a)))
    (local.set $second (i8x16.splat (local.get $b)))
    (local.set $end (i32.add (local.get $p) (local.get $n)))
    (block $done
      (loop $next
        (br_if $done (i32.gt_u (i32.add (local.get $p) (i32.const 17)) (local.get $end)))
        (local.set $mask (i8x16.bitmask (v128.and
          (i8x16.eq (v128.load (local.get $p)) (local.get $first))
          (i8x16.eq (v128.load offset=1 (local.get $p)) (local.get $second)))))
        (if (local.get $mask)
          (then (return (i32.add (i32.sub (local.get $p) (local.get $start)) (i32.ctz (local.get $mask))))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (br $next)))
    (block $over
      (loop $byte
        (br_if $over (i32.ge_u (i32.add (local.get $p) (i32.const 1)) (local.get $end)))
        (if (i32.and
              (i32.eq (i32.load8_u (local.get $p)) (local.get $a))
              (i32.eq (i32.load8_u offset=1 (local.get $p)) (local.get $b)))
          (then (return (i32.sub (local.get $p) (local.get $start)))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br $byte)))
    (i32.const -1))
  ;; Where a byte that is $a or less than $al stands before one that is $b, once $or is added, or less than $bl: first in
  ;; [$p, $p + $n), counted from $p, or -1.
  (func (export "findPairOf") (param $p i32) (param $n i32) (param $a i32) (param $al i32) (param $or i32) (param $b i32) (param $bl i32) (result i32)
    (local $start i32) (local $end i32) (local $mask i32) (local $x i32) (local $y i32)
    (local $first v128) (local $low v128) (local $bits v128) (local $second v128) (local $low2 v128) (local $v v128) (local $w v128)
    (local.set $start (local.get $p))
    (local.set $first (i8x16.splat (local.get $a)))
    (local.set $low (i8x16.splat (local.get $al)))
    (local.set $bits (i8x16.splat (local.get $or)))
    (local.set $second (i8x16.splat (local.get $b)))
    (local.set $low2 (i8x16.splat (local.get $bl)))
    (local.set $end (i32.add (local.get $p) (local.get $n)))
    (block $done
      (loop $next
        (br_if $done (i32.gt_u (i32.add (local.get $p) (i32.const 17)) (local.get $end)))
        (local.set $v (v128.load (local.get $p)))
        (local.set $w (v128.load offset=1 (local.get $p)))
        (local.set $mask (i8x16.bitmask (v128.and
          (v128.or (i8x16.eq (local.get $v) (local.get $first)) (i8x16.lt_u (local.get $v) (local.get $low)))
          (v128.or (i8x16.eq (v128.or (local.get $w) (local.get $bits)) (local.get $second)) (i8x16.lt_u (local.get $w) (local.get $low2))))))
        (if (local.get $mask)
          (then (return (i32.add (i32.sub (local.get $p) (local.get $start)) (i32.ctz (local.get $mask))))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (br $next)))
    (block $over
      (loop $byte
        (br_if $over (i32.ge_u (i32.add (local.get $p) (i32.const 1)) (local.get $end)))
        (local.set $x (i32.load8_u (local.get $p)))
        (local.set $y (i32.load8_u offset=1 (local.get $p)))
        (if (i32.and
              (i32.or (i32.eq (local.get $x) (local.get $a)) (i32.lt_u (local.get $x) (local.get $al)))
              (i32.or (i32.eq (i32.or (local.get $y) (local.get $or)) (local.get $b)) (i32.lt_u (local.get $y) (local.get $bl))))
          (then (return (i32.sub (local.get $p) (local.get $start)))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br $byte)))
    (i32.const -1)))
