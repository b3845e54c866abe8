# Digests in one piece and in pieces, key derivation.
import hashlib

print(hashlib.sha256(b"").hexdigest())
print(hashlib.sha256(b"hello").hexdigest())
print(hashlib.md5(b"hello").hexdigest(), hashlib.sha1(b"hello").hexdigest())
print(hashlib.sha512(b"hello").hexdigest()[:32])
h = hashlib.sha256()
h.update(b"hel")
h.update(b"lo")
print(h.hexdigest() == hashlib.sha256(b"hello").hexdigest(), h.digest_size, h.name, len(h.digest()), h.digest()[:4])
copy = h.copy()
copy.update(b"!")
print(copy.hexdigest()[:16], h.hexdigest()[:16], hashlib.sha256(b"hello!").hexdigest()[:16])
print(hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 10).hex())
print(hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 3, 8), len(hashlib.pbkdf2_hmac("sha256", b"p", b"s", 1, dklen=50)))
big = b"x" * 100000
print(hashlib.sha256(big).hexdigest()[:16], hashlib.sha256(big[:2047]).hexdigest()[:16], hashlib.sha256(big[:2048]).hexdigest()[:16])


def chain(seed, rounds):
    digest = seed.encode()
    for _ in range(rounds):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()


print(chain("seed", 100)[:20])
for n in range(1000):
    if hashlib.sha256(f"block{n}".encode()).hexdigest().startswith("00"):
        print("nonce", n)
        break
try:
    hashlib.sha256("text")
except TypeError as error:
    print(error)
