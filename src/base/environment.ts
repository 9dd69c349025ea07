/** Environment variables by name, as a process gets them; a variable that is not set is undefined. */
export type Environment = Readonly<Record<string, string | undefined>>;
