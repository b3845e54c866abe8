# Arithmetic near the ends of 64 bits that still fits.
biggest = 9223372036854775807
smallest = -biggest - 1
print(biggest, smallest)
print(biggest - 1 + 1 == biggest, smallest + 1 - 1 == smallest)
print(biggest // 2, biggest % 1000, smallest // 2, smallest % 1000)
print(biggest // -1, smallest // 3, divmod(biggest, -7))
print(biggest & 0xFFFF, smallest | 1, ~biggest, ~smallest)
print(biggest >> 62, smallest >> 62, biggest ^ smallest)
print(3037000499 * 3037000499, 4294967296 * 2147483647)
print(biggest > smallest, biggest == biggest - 0, smallest < -biggest)
print(float(2 ** 53) == 2 ** 53, float(2 ** 53 + 1) == 2 ** 53 + 1)
print(2 ** 53 + 1 > float(2 ** 53), biggest < 9.3e18, biggest == 9223372036854775807.0)
print(str(biggest), len(str(smallest)), int("9223372036854775807") == biggest)
print(int("-9223372036854775808") == smallest, int(9007199254740993.0))
print(f"{biggest:,}", f"{biggest:x}", f"{smallest:x}", f"{biggest:_}")

# A linear congruential generator that stays inside 64 bits.
state = 12345
values = []
for _ in range(6):
    state = (state * 1103515245 + 12345) % 2147483648
    values.append(state)
print(values)
