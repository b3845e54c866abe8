# Shifts, masks and two's complement on negative integers.
for n in [0, 1, 5, 12, -1, -5, -12, 255]:
    print(n, n << 1, n << 4, n >> 1, n >> 3, ~n, n & 6, n | 6, n ^ 6)


def popcount(n):
    count = 0
    while n:
        n &= n - 1
        count += 1
    return count


def reverse_bits(n, width):
    result = 0
    for _ in range(width):
        result = result << 1 | n & 1
        n >>= 1
    return result


for n in [0, 1, 7, 8, 170, 1023]:
    print(n, popcount(n), reverse_bits(n, 10), n.bit_length(), bin(n))

print(1 << 62, -1 << 63, -1 >> 70, 5 >> 100, 0 << 500)
print(0xFF & ~0x0F, 0xF0 ^ 0xFF, 1 | 2 | 4, -8 & 0xFF)
print(True & False, True | False, True ^ True)
print(hex(255), hex(-255), oct(8), oct(-8), bin(10), bin(-10), hex(0))
print(int("ff", 16), int("-0x1f", 16), int("1010", 2), int("0b11", 0), int("z", 36), int("077", 8))
