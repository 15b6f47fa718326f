// Clicks on the beats of a piece, kept in time with its sound.

const AHEAD = 0.15; // seconds that clicks are ordered before they are due
const FIRST = 1600, OTHER = 1000; // Hz, of a bar's first beat and of the others
const LASTS = 0.03; // seconds

export class Metronome {
  /**
   * @param {HTMLAudioElement} audio what is played
   * @param {Music} music its bars and beats, in seconds
   */
  constructor(audio, music) {
    this.audio = audio;
    this.beats = music.beats ?? music.bars;
    this.first = new Set(music.bars);
    this.context = new AudioContext();
    this.next = 0; // the beat that is due next
    this.reset();
  }

  /** Find the next beat anew: after a jump. */
  reset() {
    const now = this.audio.currentTime;
    const found = this.beats.findIndex((beat) => beat >= now - 0.01);
    this.next = found < 0 ? this.beats.length : found;
  }

  /** Order the clicks that are due; called often while the music plays. */
  follow() {
    const rate = this.audio.playbackRate, now = this.audio.currentTime;
    while (this.next < this.beats.length && (this.beats[this.next] - now) / rate < AHEAD) {
      this._click(Math.max(0, (this.beats[this.next] - now) / rate), this.first.has(this.beats[this.next]));
      this.next += 1;
    }
  }

  end() {
    this.context.close();
  }

  /**
   * @param {number} after seconds from now
   * @param {boolean} first
   */
  _click(after, first) {
    const at = this.context.currentTime + after;
    const tone = this.context.createOscillator(), loud = this.context.createGain();
    tone.frequency.value = first ? FIRST : OTHER;
    loud.gain.setValueAtTime(0.4 * this.audio.volume, at);
    loud.gain.exponentialRampToValueAtTime(0.001, at + LASTS);
    tone.connect(loud).connect(this.context.destination);
    tone.start(at);
    tone.stop(at + LASTS);
  }
}
