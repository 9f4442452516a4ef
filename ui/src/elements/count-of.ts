/** Says how many credentials, in words. */
export const countOf = (count: number): string => `${count.toLocaleString()} ${count === 1 ? 'credential' : 'credentials'}`
