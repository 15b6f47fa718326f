// Made by `script/page-types`; do not edit.

declare namespace Api {

  /** What became of each file of an album. */
  interface AlbumOut {
    files: FileOut[];
    failures: FailureOut[];
  }

  interface ComposeIn {
    /** Whose manner: one of `flamingo personas`, or a mix such as beethoven=.7,schubert=.3. */
    persona?: string;
    /** How long the piece lasts. */
    seconds?: number;
    /** A word for the mood: happy, sad, angry, calm, tender, dramatic, ... */
    mood?: string | null;
    /** From -1, unpleasant, to 1, pleasant. */
    valence?: number | null;
    /** From -1, calm, to 1, excited. */
    arousal?: number | null;
    /** A sentence whose mood the music takes. */
    words?: string | null;
    /** Key, such as 'C minor' or Eb; without it the persona's. */
    key?: string | null;
    /** Quarter notes a minute, kept exactly. */
    tempo?: number | null;
    /** Time signature: 4/4, 3/4, 2/4, 6/8, ... */
    metre?: string | null;
    /** Notes a second, about; without it as persona and mood have it. --speed multiplies it. */
    density?: number | null;
    /** Chords to compose over, a bar each, again and again: 'C Am F G'; or with bar lines: 'C Am | Dm7 G7'. */
    chords?: string | null;
    /** Its form: period, ternary (A B A), rondo, variations or sonatina; without it, strophes. */
    form?: "period" | "ternary" | "rondo" | "variations" | "sonatina" | null;
    /** Go to other keys on the way, as people's music does. */
    modulate?: boolean;
    /** Who plays: piano, violin, string-quartet, ...; or up to four, melody first: flute,piano. */
    instrument?: string;
    /** The recording that it goes on from (--continue) is hummed, whistled or sung. */
    hum?: boolean;
    /** How many different pieces to write. */
    variations?: number;
    /** Draw so many for each piece and keep the best. */
    best?: number;
    /** Draw again while a piece shares more with the training music than people's do. */
    original?: boolean;
    /** With --edit: the bars that are composed, such as 9-12 or 1-4,9; else all. */
    bars?: string | null;
    /** With --edit: what is composed in them: melody, accompaniment, right, left, or numbers of parts from the top, such as 2,3; else everything. */
    part?: string | null;
    /** Daring: 0 takes the likeliest note, 1 is natural. */
    temperature?: number;
    /** Choose among the likeliest of this share. */
    top_p?: number;
    /** Leave out what is less likely, by this factor. */
    min_p?: number;
    /** How strongly persona and mood are insisted on. */
    guidance?: number;
    /** A player's freedom in timing and loudness. */
    humanise?: number;
    /** Play it so many times as fast; its length changes. */
    speed?: number;
    /** Play it so many semitones higher or lower. */
    pitch?: number;
    /** What a .png shows: piano roll, or the score's first page. */
    view?: "roll" | "score";
    /** How much of a small hall is heard: 0 is none. */
    room?: number;
    /** How far left and right stand apart: 0 is mono. */
    width?: number;
    /** Loudness of the whole in LUFS. */
    loudness?: number;
    /** The same seed gives the same piece. */
    seed?: number;
    /** Kinds of file, each of which gives one result: flac, mid, midi, mp3, musicxml, ogg, pdf, png, svg, wav. */
    format?: ("flac" | "mid" | "midi" | "mp3" | "musicxml" | "ogg" | "pdf" | "png" | "svg" | "wav")[];
    /** Photo whose mood the music takes; of several (or a folder) each gets a section. */
    photo?: FileIn[];
    /** Music that the piece begins with and goes on from: MIDI, MusicXML, sound. */
    continue_from?: FileIn[];
    /** Music of which some bars or parts are composed anew: MIDI, MusicXML; the rest stays. */
    edit?: FileIn[];
    /** SoundFont (.sf2) to play it with, instead of the instruments built in. */
    soundfont?: FileIn[];
  }

  /** A parameter of a verb. definition (as `schema`): its JSON schema. */
  interface ControlOut {
    name: string;
    description: string;
    default: unknown;
    schema: { [name: string]: unknown };
  }

  /** Jobs that wait and that run. */
  interface CountsOut {
    queued: number;
    running: number;
  }

  /** How many jobs were purged. */
  interface EmptiedOut {
    purged: number;
  }

  /** An optional part of Flamingo. */
  interface ExtraOut {
    name: string;
    installed: boolean;
    /** What can be done with it. */
    brings: string;
    /** The line that installs it, where the studio runs; then start the studio again. */
    line: string;
  }

  /** Why there is no result, or none for one of several files. */
  interface FailureOut {
    /** The error's class. */
    kind: string;
    what: string;
    why: string;
    hint: string;
    name: string;
  }

  interface FeelIn {
    /** A sentence to place on the same plane: 'a stormy, lonely sea'. */
    words?: string | null;
    /** Photos, or folders of photos. */
    photos?: FileIn[];
  }

  /** A file, or files, that a verb reads. */
  interface FileControlOut {
    name: string;
    description: string;
    many: boolean;
    required: boolean;
  }

  /** A file that was uploaded before, and what to call it. */
  interface FileIn {
    /** SHA-256 of the content, in hexadecimal. */
    sha256: string;
    name?: string;
  }

  /** A file that was taken in. width, height: pixels, upright; seconds: how long music, or a film, or that of a storyboard lasts. */
  interface FileOut {
    sha256: string;
    name: string;
    /** Bytes, as kept. */
    size: number;
    media_type: string;
    kind: "picture" | "film" | "music" | "sound" | "score" | "soundfont" | "storyboard";
    width: number | null;
    height: number | null;
    seconds: number | null;
    /** What must be told: what was left out, and that the place was removed. */
    notes: string[];
    url: string;
    thumbnail: string | null;
  }

  interface FilmIn {
    /** Named style or painting's file, NAME[=WEIGHT][@MASK]; several are mixed, unless --vary. */
    style?: string | string[] | null;
    /** From 0, the photo itself, to 1, the full style. */
    strength?: number;
    /** Whose colours: the style's (1), the photo's (0), or between. */
    colour?: number | "style" | "photo";
    /** Size of the strokes, in relation to the picture, whatever its resolution. */
    stroke?: number;
    /** Painter: fine has the better strokes, fast takes a fraction of the time. */
    model?: "fast" | "fine";
    /** no: one manner for all; photo: styles take turns; mood: each photo's mood chooses one. */
    vary?: "no" | "photo" | "mood";
    /** Begin each shot with the photo, which becomes the painting. */
    grow?: boolean;
    /** Draw the painting over the photo with a line, in each shot. */
    wipe?: boolean;
    /** Order of the photos: when they were taken, name, from mood to mood, or as given. */
    order?: "time" | "name" | "mood" | "given";
    /** Keep photos that are blurred or shown already. */
    keep_all?: boolean;
    /** Whose manner the music is in: one of `flamingo personas`, or a mix of several. */
    persona?: string;
    /** A word for the mood of the music; without it, the moods of the photos. */
    mood?: string | null;
    /** How long it lasts; without it, 4 s a photo. */
    seconds?: number | null;
    /** Seconds a photo; without it, as the music wants. */
    pace?: number | null;
    /** How much the camera moves, from 0, still, to 1. */
    motion?: number;
    /** Proportions of the picture, across to down. */
    aspect?: "16:9" | "9:16" | "1:1" | "4:5";
    /** Shorter side in pixels: 1080 is 1920 x 1080, or 1080 x 1920 upright. */
    resolution?: number;
    /** Frames a second. */
    fps?: number;
    /** Title, shown at the beginning. */
    title?: string;
    /** Under each photo: its name, its date, or the description in its EXIF data. */
    captions?: "none" | "name" | "date" | "description";
    /** The same seed gives the same film. */
    seed?: number;
    /** Quality of the picture. */
    quality?: number;
    /** Kinds of file, each of which gives one result: json, mkv, mov, mp4, webm. */
    format?: ("json" | "mkv" | "mov" | "mp4" | "webm")[];
    /** Photos, folders or zip archives of them: 2 to 500. */
    photos?: FileIn[];
    /** Any painting to paint like; a style may name it by its file name, to weigh or place it. */
    painting?: FileIn[];
    /** Where to paint: white paints, black leaves the photo; stretched over every photo. */
    mask?: FileIn[];
    /** Your own music, in place of a piece composed for it. */
    music?: FileIn[];
    /** Storyboard (.storyboard.json) that says all of this, such as one you edited: render it. Files given with it, such as photos, are those that it names. */
    storyboard?: FileIn[];
  }

  /** A row of the report. percent and satisfied: of 100; satisfied_95: where it lies with 95 % confidence. */
  interface GroupOut {
    name: string | null;
    votes: number;
    counts: { [name: string]: number };
    percent: { [name: string]: number };
    satisfied: number;
    satisfied_95: [number, number];
    mean_opinion: number;
  }

  /** How the studio is. */
  interface HealthOut {
    /** ok, or busy if the queue is full. */
    status: string;
    version: string;
    jobs: CountsOut;
    /** Processes that work on jobs now. */
    workers: number;
    /** Bytes. */
    disk_free: number;
  }

  /** A file that a job reads. */
  interface InputOut {
    sha256: string;
    name: string;
    url: string;
    /** Answers 415 if the file is no picture. */
    thumbnail: string;
  }

  /** What a person may change about a job; what is left out stays as it is. */
  interface JobChange {
    favourite?: boolean | null;
    title?: string | null;
  }

  /** A job. */
  interface JobOut {
    id: string;
    verb: string;
    title: string;
    favourite: boolean;
    state: "queued" | "running" | "done" | "failed" | "cancelled";
    parameters: { [name: string]: unknown };
    inputs: { [name: string]: InputOut[] };
    results: ResultOut[];
    progress: ProgressOut;
    error: FailureOut | null;
    /** Inputs without a result though others have one. */
    failures: FailureOut[];
    /** Name of what was asked: the same for the same request. */
    request: string;
    attempts: number;
    interruptions: number;
    created: number;
    started: number | null;
    ended: number | null;
    /** When it was put into the bin. */
    deleted: number | null;
    /** Rises with every change. */
    revision: number;
    /** Its place among those that wait for the same workers, from 1; null unless it waits. */
    queue_place: number | null;
    /** Seconds until it is done, roughly; null where nobody knows, and once it is over. */
    seconds_left: number | null;
    url: string;
    page: string;
  }

  /** A page of jobs, newest first; `next` is the `before` of the page after it. */
  interface JobsOut {
    jobs: JobOut[];
    next: string | null;
  }

  interface JudgeIn {
    /** Named style, or painting's file, in whose manner they are painted. */
    style?: string | null;
    /** Painted pictures, or folders of them. */
    results: FileIn[];
    /** The photo that they were painted from. */
    photo: FileIn[];
    /** A picture of the painting, in place of --style. */
    painting?: FileIn[];
  }

  /** Files that were uploaded before. */
  interface KeepIn {
    files: string[];
  }

  /** Which of the files are there and stay, for so many seconds at least, and which are not there any more. */
  interface KeptOut {
    kept: string[];
    missing: string[];
    seconds: number;
  }

  /** A trained model: what it is, what it learned from, and what it is for. */
  interface ModelOut {
    name: string;
    version: string;
    /** Markdown. */
    card: string;
    licence: string;
    data: string;
    /** Bytes. */
    size: number;
  }

  /** A word for a mood, and its place from -1 to 1. */
  interface MoodOut {
    word: string;
    valence: number;
    arousal: number;
  }

  /** A piece as it is played. */
  interface NotesOut {
    /** Such as C minor. */
    key: string;
    /** Quarter notes a minute at its beginning. */
    tempo: number;
    /** How long it lasts. */
    seconds: number;
    /** Where bars begin, in seconds, and where the last one ends. */
    bars: number[];
    /** Where beats are struck, in seconds. */
    beats: number[];
    /** Of each note: when it is struck and how long it is held, in seconds; MIDI pitch, velocity, part. */
    notes: number[][];
  }

  interface PaintIn {
    /** Named style (see `flamingo styles`) or painting's file, NAME[=WEIGHT][@MASK]; several are mixed, or painted where their masks are white. Without any, starry-night. */
    style?: string | string[] | null;
    /** From 0, the photo itself, to 1, the full style. */
    strength?: number;
    /** Whose colours: the style's (1), the photo's (0), or between. */
    colour?: number | "style" | "photo";
    /** Size of the strokes, in relation to the picture, whatever its resolution. */
    stroke?: number;
    /** Painter: fine has the better strokes, fast takes a fraction of the time. */
    model?: "fast" | "fine";
    /** Longest side of the picture in pixels; without it the photo's own size. */
    size?: number | null;
    /** Quality of JPEG and WebP files. */
    quality?: number;
    /** Keep the place where the photo was taken in its metadata. */
    keep_gps?: boolean;
    /** patches: from 0, the paint runs, to 1, the photo's forms are kept (.5). */
    fidelity?: number | null;
    /** patches: PHOTO_MASK:PAINTING_MASK, two pictures: where the first is white, only patches from where the second is white are used, and these nowhere else. */
    match?: string | string[] | null;
    /** patches, optimise, dream: of all that is random (0). */
    seed?: number | null;
    /** quick: one pass of the painter, in a second; true: pieces of the painting itself, in ten; finished: the same, and ten steps of optimisation, in a minute. Without it, --method says how. */
    effort?: "quick" | "true" | "finished" | null;
    /** auto: patches for a painting that you bring, else the painter; painter: a network, in a second; patches: pieces of the painting itself, in ten; optimise: Gatys' method, in minutes; dream: DeepDream. */
    method?: "auto" | "painter" | "patches" | "optimise" | "dream";
    /** Make so many variants, and keep the one that the critic likes best. */
    best?: number;
    /** painter, patches: steps of optimisation afterwards, of some seconds each, that bring the textures nearer to the painting's (0). */
    finish?: number | null;
    /** optimise: as an older system did it. */
    preset?: "flamingo-2021" | "nst-2023" | "deep-art-2023" | null;
    /** optimise: begin with the photo, with noise, with both (noisy), or with the painter's picture (fast). */
    init?: "photo" | "noise" | "noisy" | "fast" | null;
    /** optimise: L-BFGS or Adam. */
    optimiser?: "lbfgs" | "adam" | null;
    /** optimise: how many in all (200); dream: in each octave (10). */
    steps?: number | null;
    /** Layer of VGG-19 that keeps the photo (relu4_2) or that is dreamed of, NAME[=WEIGHT]. */
    content_layer?: string | string[] | null;
    /** optimise: layer whose Gram matrix is the style (relu1_1 to relu5_1), NAME[=WEIGHT]. */
    style_layer?: string | string[] | null;
    /** optimise: how much the photo counts (1). */
    content_weight?: number | null;
    /** optimise: how much the style counts (20). */
    style_weight?: number | null;
    /** optimise: weight of the total variation, which smooths (0). */
    tv_weight?: number | null;
    /** optimise: learning rate, Adam's step (.02) or what L-BFGS's is multiplied by (1). */
    lr?: number | null;
    /** dream: how many sizes (4). */
    octaves?: number | null;
    /** dream: shift before each step, in pixels (32). */
    jitter?: number | null;
    /** optimise: keep picture and losses every so many steps, beside the result. */
    snapshots?: number | null;
    /** Kind of file: bmp, jpeg, jpg, png, tif, tiff, webp; without it the input's own. */
    format?: "bmp" | "jpeg" | "jpg" | "png" | "tif" | "tiff" | "webp" | null;
    /** Photos, films or animated pictures, or folders of them, to paint. */
    photos: FileIn[];
    /** Any painting to paint like; a style may name it by its file name, to weigh or place it. */
    painting?: FileIn[];
    /** Where to paint: white paints, grey partly, black leaves the photo; of several, each is named by a style, NAME@MASK. */
    mask?: FileIn[];
  }

  /** A composer in whose manner music can be composed, and what that music is usually like. */
  interface PersonaOut {
    name: string;
    own: boolean;
    /** Share of music in minor. */
    minor: number;
    metre: string;
    /** Quarter notes a minute. */
    tempo: number;
    arousal: number;
  }

  interface PreviewIn {
    /** Longest side of the preview, in pixels. */
    longest?: number;
    /** Named style (see `flamingo styles`) or painting's file, NAME[=WEIGHT][@MASK]; several are mixed, or painted where their masks are white. Without any, starry-night. */
    style?: string | string[] | null;
    /** From 0, the photo itself, to 1, the full style. */
    strength?: number;
    /** Whose colours: the style's (1), the photo's (0), or between. */
    colour?: number | "style" | "photo";
    /** Size of the strokes, in relation to the picture, whatever its resolution. */
    stroke?: number;
    /** Painter: fine has the better strokes, fast takes a fraction of the time. */
    model?: "fast" | "fine";
    /** Longest side of the picture in pixels; without it the photo's own size. */
    size?: number | null;
    /** Quality of JPEG and WebP files. */
    quality?: number;
    /** Keep the place where the photo was taken in its metadata. */
    keep_gps?: boolean;
    /** patches: from 0, the paint runs, to 1, the photo's forms are kept (.5). */
    fidelity?: number | null;
    /** patches: PHOTO_MASK:PAINTING_MASK, two pictures: where the first is white, only patches from where the second is white are used, and these nowhere else. */
    match?: string | string[] | null;
    /** patches, optimise, dream: of all that is random (0). */
    seed?: number | null;
    /** quick: one pass of the painter, in a second; true: pieces of the painting itself, in ten; finished: the same, and ten steps of optimisation, in a minute. Without it, --method says how. */
    effort?: "quick" | "true" | "finished" | null;
    /** auto: patches for a painting that you bring, else the painter; painter: a network, in a second; patches: pieces of the painting itself, in ten; optimise: Gatys' method, in minutes; dream: DeepDream. */
    method?: "auto" | "painter" | "patches" | "optimise" | "dream";
    /** Make so many variants, and keep the one that the critic likes best. */
    best?: number;
    /** painter, patches: steps of optimisation afterwards, of some seconds each, that bring the textures nearer to the painting's (0). */
    finish?: number | null;
    /** optimise: as an older system did it. */
    preset?: "flamingo-2021" | "nst-2023" | "deep-art-2023" | null;
    /** optimise: begin with the photo, with noise, with both (noisy), or with the painter's picture (fast). */
    init?: "photo" | "noise" | "noisy" | "fast" | null;
    /** optimise: L-BFGS or Adam. */
    optimiser?: "lbfgs" | "adam" | null;
    /** optimise: how many in all (200); dream: in each octave (10). */
    steps?: number | null;
    /** Layer of VGG-19 that keeps the photo (relu4_2) or that is dreamed of, NAME[=WEIGHT]. */
    content_layer?: string | string[] | null;
    /** optimise: layer whose Gram matrix is the style (relu1_1 to relu5_1), NAME[=WEIGHT]. */
    style_layer?: string | string[] | null;
    /** optimise: how much the photo counts (1). */
    content_weight?: number | null;
    /** optimise: how much the style counts (20). */
    style_weight?: number | null;
    /** optimise: weight of the total variation, which smooths (0). */
    tv_weight?: number | null;
    /** optimise: learning rate, Adam's step (.02) or what L-BFGS's is multiplied by (1). */
    lr?: number | null;
    /** dream: how many sizes (4). */
    octaves?: number | null;
    /** dream: shift before each step, in pixels (32). */
    jitter?: number | null;
    /** optimise: keep picture and losses every so many steps, beside the result. */
    snapshots?: number | null;
    /** Kind of file: bmp, jpeg, jpg, png, tif, tiff, webp; without it the input's own. */
    format?: "bmp" | "jpeg" | "jpg" | "png" | "tif" | "tiff" | "webp" | null;
    /** Photos, films or animated pictures, or folders of them, to paint. */
    photos: FileIn[];
    /** Any painting to paint like; a style may name it by its file name, to weigh or place it. */
    painting?: FileIn[];
    /** Where to paint: white paints, grey partly, black leaves the photo; of several, each is named by a style, NAME@MASK. */
    mask?: FileIn[];
  }

  /** An error (RFC 9457): what is wrong, why, what to do about it, and the limit that was met, if one was. */
  interface ProblemOut {
    type: string;
    title: string;
    status: number;
    detail: string;
    what: string;
    why: string;
    hint: string;
    limit: number | null;
  }

  /** `done` of `all` parts are done (0 of 0: nobody knows), and what is being done now. */
  interface ProgressOut {
    done: number;
    all: number;
    message: string;
  }

  /** A grade, for a piece of music with a picture or for one result alone. music: a result of a job that composed; picture: one of a job that painted or filmed. With music alone, the picture is the photo that it was composed for, if there is one such. */
  interface RatingIn {
    grade: "excellent" | "good" | "fair" | "poor" | "bad";
    music?: ResultIn | null;
    picture?: ResultIn | null;
    /** Who listened: any name, the same each time. */
    listener?: string;
    comment?: string;
  }

  /** A grade as it is stored. standing: whether it counts, was replaced, or was taken back. */
  interface RatingOut {
    id: number;
    time: string;
    kind: "pair" | "picture" | "music" | "film";
    grade: "excellent" | "good" | "fair" | "poor" | "bad";
    picture: string;
    picture_name: string;
    music: string;
    music_name: string;
    mood: string | null;
    listener: string;
    comment: string;
    standing: string;
    instead_of: "excellent" | "good" | "fair" | "poor" | "bad" | null;
  }

  /** The table of grades. */
  interface ReportOut {
    by: "mood" | "persona" | "style" | "listener" | "kind";
    groups: GroupOut[];
    all: GroupOut | null;
  }

  /** A result of a job. */
  interface ResultIn {
    job: string;
    result?: number;
  }

  /** A file that a job made. */
  interface ResultOut {
    index: number;
    name: string;
    /** Of its content, under which it can be the input of another job. */
    sha256: string;
    size: number;
    media_type: string;
    url: string;
    thumbnail: string | null;
    /** Signed credentials, where they are not inside the file. */
    sidecar_url: string | null;
    /** All that made it, enough to make it again. */
    recipe: { [name: string]: unknown };
    notes: string[];
    /** What else the verb says of it. */
    about: { [name: string]: unknown };
  }

  /** The losses of one step; those of different sizes are not comparable. */
  interface StepOut {
    /** From 0, over all sizes together. */
    step: number;
    /** How many there are to be. */
    steps: number;
    width: number;
    height: number;
    objective: number;
    /** Its part that keeps the photo. */
    content: number;
    /** Its part that takes the painting. */
    style: number;
    /** Its part that is the total variation. */
    tv: number;
  }

  /** An optimisation so far. Of a job with several photos, the one that is under way. */
  interface StepsOut {
    losses: StepOut[];
    /** Steps of which there is a picture, at /api/jobs/{id}/steps/{step}. */
    pictures: number[];
  }

  /** A painting that can be painted in the manner of. own: whether the user has added it; models: the painters that can. */
  interface StyleOut {
    name: string;
    title: string;
    artist: string;
    painted: string;
    rights: string;
    thumbnail: string;
    own: boolean;
    models: string[];
  }

  /** A verb. */
  interface VerbOut {
    name: string;
    about: string;
    controls: ControlOut[];
    inputs: FileControlOut[];
  }

  /** What is known of a file. state: whole (signed and unchanged), changed, broken, unsigned (words that anyone could have written) or nothing; the rest is what the file says of itself. */
  interface VerdictOut {
    file: string;
    state: "whole" | "changed" | "broken" | "unsigned" | "nothing";
    whole: boolean;
    /** All of it in plain words, the most important first. */
    sentences: string[];
    found: string;
    faults: string[];
    /** Whether this machine signed it. */
    own: boolean;
    signer: string;
    issuer: string;
    software: string;
    verb: string;
    when: string;
    stamped: string;
    source_type: string;
    inputs: string[];
    recipe: { [name: string]: unknown };
    notes: string[];
  }
}
