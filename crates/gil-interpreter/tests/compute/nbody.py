# Five planets under gravity: floats, lists of lists, nested loops.
# small: 50
# second: 180000
PI = 3.141592653589793
SOLAR_MASS = 4 * PI * PI
DAYS = 365.24


def system():
    bodies = [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, SOLAR_MASS],
        [4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.00166007664274403694 * DAYS, 0.00769901118419740425 * DAYS, -0.0000690460016972063023 * DAYS, 0.000954791938424326609 * SOLAR_MASS],
        [8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -0.00276742510726411021 * DAYS, 0.00499852801234917238 * DAYS, 0.0000230417297573763929 * DAYS, 0.000285885980666130812 * SOLAR_MASS],
        [12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 0.00296460137564761618 * DAYS, 0.00237847173959480950 * DAYS, -0.0000296589568540237556 * DAYS, 0.0000436624404335156298 * SOLAR_MASS],
        [15.3796971148509165, -25.9193146099879641, 0.179258772950371181, 0.00268067772490389322 * DAYS, 0.00162824170038242295 * DAYS, -0.0000951592254519715870 * DAYS, 0.0000515138902046611451 * SOLAR_MASS],
    ]
    for axis in range(3):
        momentum = 0.0
        for body in bodies:
            momentum += body[axis + 3] * body[6]
        bodies[0][axis + 3] = -momentum / SOLAR_MASS
    return bodies


def advance(pairs, bodies, dt):
    for a, b in pairs:
        dx = a[0] - b[0]
        dy = a[1] - b[1]
        dz = a[2] - b[2]
        squared = dx * dx + dy * dy + dz * dz
        magnitude = dt / (squared * squared ** 0.5)
        ma = a[6] * magnitude
        mb = b[6] * magnitude
        a[3] -= dx * mb
        a[4] -= dy * mb
        a[5] -= dz * mb
        b[3] += dx * ma
        b[4] += dy * ma
        b[5] += dz * ma
    for body in bodies:
        body[0] += dt * body[3]
        body[1] += dt * body[4]
        body[2] += dt * body[5]


def energy(pairs, bodies):
    total = 0.0
    for body in bodies:
        total += 0.5 * body[6] * (body[3] ** 2 + body[4] ** 2 + body[5] ** 2)
    for a, b in pairs:
        distance = ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2) ** 0.5
        total -= a[6] * b[6] / distance
    return total


def run(n):
    bodies = system()
    pairs = [(bodies[i], bodies[j]) for i in range(5) for j in range(i + 1, 5)]
    before = energy(pairs, bodies)
    for _ in range(n):
        advance(pairs, bodies, 0.01)
    return f"{before:.9f} {energy(pairs, bodies):.9f}"


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 50
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
