const adjectives = (
  'agile amber ample bold brave breezy bright brisk calm candid careful cheerful clever cosy crisp curious daring ' +
  'deft eager earnest easy elegant fair fearless fleet fluent friendly gallant gentle glad golden graceful handy happy ' +
  'hardy hearty honest humble jolly keen kind lively loyal lucid lucky mellow merry mighty modest neat nimble noble ' +
  'patient placid polite proud quick quiet rapid ready robust serene sharp silent sincere sleek smooth sober stable ' +
  'steady sturdy sunny swift tidy tranquil trusty upbeat valiant vivid warm wise witty zesty'
).split(' ')

const surnames = (
  'archer austin babbage backus bartik bernoulli boole borg brunel cerf church codd cooper cray dijkstra eckert ' +
  'edison engelbart euler faraday fermat floyd fourier galois gauss goldberg hamilton hamming hilbert hoare holberton ' +
  'hopper huffman iverson jacquard kalman kernighan kilby knuth lamport leibniz liskov lovelace mauchly mccarthy ' +
  'mclean milner minsky moore naur neumann newell noether noyce nygaard pascal perlis plimsoll ritchie sammet shannon ' +
  'simon stevin sutherland tesla thompson torvalds turing wilkes wilkinson wing wirth zuse'
).split(' ')

/** `adjective_surname` out of unpredictable bytes; from the second try on a digit makes it rarer. */
export function randomName(random: (size: number) => Uint8Array, attempt: number): string {
  const pick = (words: readonly string[]): string => {
    const [high = 0, low = 0] = random(2)
    return words[(high * 256 + low) % words.length] ?? ''
  }
  const name = `${pick(adjectives)}_${pick(surnames)}`
  return attempt === 0 ? name : `${name}${(random(1)[0] ?? 0) % 10}`
}
