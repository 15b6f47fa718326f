// Types that the pages' modules share. What the API says of itself is in api.d.ts; here is what it leaves open: the
// parameters of a job, and what each verb says of a result.

/** A file that the server has, and what it is called here. */
interface FileRef {
  sha256: string;
  name: string;
}

/** A style that is asked for: of a painter's own, or a painting's file; everywhere, or on a mask. */
interface StyleTerm<File = Partial<FileRef> & { name: string }> {
  name: string;
  weight: number;
  painting: File | null;
  mask: File | null;
}

/** What a job was asked for, of all verbs. Jobs of older versions hold other things. */
type JobParameters = Partial<
  Pick<Api.PaintIn, "style" | "strength" | "colour" | "stroke" | "model" | "size" | "method" | "effort" | "finish" | "match"> &
    Pick<Api.ComposeIn, "persona" | "mood" | "valence" | "arousal" | "words" | "seconds" | "instrument" | "seed"> &
    Pick<Api.ComposeIn, "bars" | "part" | "temperature" | "top_p" | "min_p" | "room" | "width" | "loudness">
> & { format?: string | string[] | null; photo?: FileRef[]; continue_from?: FileRef[]; edit?: FileRef[] };

/** A key that a piece has for a while. */
interface Section {
  key: string;
}

/** A section of the form of a piece. bar: its first, from 1. */
interface FormSection {
  name: string;
  bar: number;
  bars: number;
  key: string;
}

/** One of the critic's numbers. good: whether it is as it should be, null where that cannot be said. */
interface CriticFigure {
  name: string;
  words: string;
  value: number;
  good: boolean | null;
}

/** What the verbs say of their results; each says some of it. */
interface About {
  title?: string;
  // compose
  key?: string;
  sections?: Section[];
  excursions?: Section[];
  form?: FormSection[];
  metre?: string;
  tempo?: number;
  bars?: number | number[];
  lasts?: number;
  originality?: string | null;
  original?: boolean;
  remarks?: string[];
  // feel
  word?: string;
  valence?: number;
  arousal?: number;
  valence_sd?: number;
  arousal_sd?: number;
  mood?: [number, number] | null;
  moods?: { [mood: string]: number };
  classes?: { [name: string]: number };
  because?: string[];
  styles?: { style: string }[];
  // film
  beats?: number[];
  shots?: unknown[];
  width?: number;
  height?: number;
  fps?: number;
  // judge
  score?: number | null;
  figures?: CriticFigure[];
  notes?: string[];
}

/** A file that a job made. */
type Result = Omit<Api.ResultOut, "about" | "recipe"> & {
  about: About;
  recipe: { [name: string]: unknown; photo_sha256?: string };
};

/** A job, as the pages read it. */
type Job = Omit<Api.JobOut, "parameters" | "inputs" | "results"> & {
  parameters: JobParameters;
  inputs: JobInputs;
  results: Result[];
};

/** The files of a job by option; those that pages look for, and all others. */
interface JobInputs {
  photos?: Api.InputOut[];
  painting?: Api.InputOut[];
  mask?: Api.InputOut[];
  [option: string]: Api.InputOut[] | undefined;
}

/** A note: start and length in seconds, MIDI pitch, velocity, part. */
type Note = number[];

/** A piece as it is drawn: seconds that it lasts, when its bars begin, and its notes. */
interface Music {
  beats?: number[];
  seconds: number;
  bars: number[];
  notes: Note[];
}

/** A stretch of a piece that has a name, in seconds. */
interface Mark {
  from: number;
  to: number;
  text: string;
}

/** Words for moods, each with its valence and arousal from -1 to 1. */
type MoodWords = { [word: string]: [number, number] };

/** A place on the plane of moods, and its word if it has one. */
interface MoodPoint {
  valence: number;
  arousal: number;
  word?: string | null;
}

/** Where the camera looks: the middle, as shares of the photo; zoom 1 fills the frame. */
interface View {
  x: number;
  y: number;
  zoom: number;
}

/** One photo of a storyboard (flamingo/filming/storyboard.py). */
interface Shot {
  photo: string;
  start: number;
  end: number;
  style: string[];
  strength: [number, number];
  camera: [View, View];
  wipe: boolean;
  caption: string;
  transition: "cut" | "crossfade";
  fade: number;
}

/** A storyboard (flamingo/filming/storyboard.py). */
interface Storyboard {
  shots: Shot[];
  aspect?: string;
  resolution?: number;
  fps?: number;
  title?: string;
  manner?: { colour?: number; stroke?: number; model?: string; paintings?: string[] };
  music?: { seed?: number; mood?: string | null; persona?: string };
}

/** What is graded: a result that is seen, one that is heard, or both together. */
interface Graded {
  picture?: Api.ResultIn;
  music?: Api.ResultIn;
}

/** What a control of a form holds. */
type ControlValue = string | number | boolean | null;

/** What happens to a job, as a tab is told it (stream.js). */
interface StreamMessage {
  job?: Job;
  gone?: string;
  look?: string;
  broken?: boolean;
}

/** What a tab asks of the stream of events (stream.js). */
interface StreamRequest {
  follow?: string;
  leave?: string;
  bye?: boolean;
}

interface EventStream {
  take(tab: object, message: StreamRequest): void;
  open(): void;
  close(): void;
}

interface Window {
  /** Of stream.js, where it is loaded as a module of a page. */
  flamingoStream?: (tell: (tab: object, message: StreamMessage) => void, base?: string) => EventStream;
  /** Swagger UI, which docs.html loads. */
  SwaggerUIBundle: (options: object) => void;
  /** Of a SharedWorker. */
  onconnect: (event: MessageEvent) => void;
}

// The pages hold HTML elements alone where they look for some: their icons are never looked for.

interface ParentNode {
  querySelector<K extends keyof HTMLElementTagNameMap>(selectors: K): HTMLElementTagNameMap[K] | null;
  querySelectorAll<K extends keyof HTMLElementTagNameMap>(selectors: K): NodeListOf<HTMLElementTagNameMap[K]>;
  querySelector<E extends Element = HTMLElement>(selectors: string): E | null;
  querySelectorAll<E extends Element = HTMLElement>(selectors: string): NodeListOf<E>;
}

interface Element {
  closest<E extends Element = HTMLElement>(selectors: string): E | null;
}
